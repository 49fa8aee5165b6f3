%% A supervisor of one child.
-module(bench_supervisor).
-behaviour(supervisor).
-export([start_link/1, init/1]).

start_link(Driver) -> supervisor:start_link(?MODULE, Driver).

init(Driver) ->
    Child = #{id => child, start => {bench_server, start_link, [{child, Driver}]}},
    {ok, {#{strategy => one_for_one, intensity => 100000000, period => 1}, [Child]}}.
