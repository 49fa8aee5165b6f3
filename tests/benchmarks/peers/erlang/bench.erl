%% The workloads on Erlang/OTP's gen_server and supervisor.
%% erl -noshell -pa DIR -run bench main WORKLOAD SHARE runs one, with that share of its usual count.
-module(bench).
-export([main/1]).

main([Workload, Share]) ->
    logger:set_primary_config(level, none),
    {Key, Figure} = run(Workload, list_to_float(Share)),
    io:format("{\"~s\": ~.3f}~n", [Key, float(Figure)]),
    halt(0).

run("call", Share) ->
    Count = round(300000 * Share),
    {ok, Counter} = bench_server:start(counter),
    call(Counter, 1000),
    rate(Count, fun() -> call(Counter, Count) end);
run("concurrent_call", Share) ->
    Each = round(4000 * Share),
    {ok, Counter} = bench_server:start(counter),
    Me = self(),
    rate(100 * Each, fun() ->
        Clients = [spawn(fun() -> call(Counter, Each), Me ! {done, self()} end) || _ <- lists:seq(1, 100)],
        [receive {done, Client} -> ok end || Client <- Clients]
    end);
run("cast", Share) ->
    Count = round(1000000 * Share),
    {ok, Counter} = bench_server:start(counter),
    rate(Count, fun() -> cast(Counter, Count), Count = gen_server:call(Counter, {reach, Count}, infinity) end);
run("fan_in", Share) ->
    Rounds = max(1, round(10 * Share)),
    {ok, Counter} = bench_server:start(counter),
    Producers = [producer() || _ <- lists:seq(1, 100)],
    rate(Rounds * 100000, fun() ->
        [fan_in(Counter, Producers, Round * 100000) || Round <- lists:seq(1, Rounds)]
    end);
run("ring", Share) ->
    Count = round(600000 * Share),
    Nodes = [First | Others] = [node_of_ring() || _ <- lists:seq(1, 1000)],
    [gen_server:call(Node, {follow, Next, self()}) || {Node, Next} <- lists:zip(Nodes, Others ++ [First])],
    rate(Count, fun() -> gen_server:cast(First, {token, Count}), receive arrived -> ok end end);
run("spawn", Share) ->
    Count = round(20000 * Share),
    rate(Count, fun() -> [{ok, _} = bench_server:start(counter) || _ <- lists:seq(1, Count)] end);
run("restart", Share) ->
    %% A hundred supervisors: one alone walks all the restarts of its period each time.
    Each = max(1, round(100 * Share)),
    process_flag(trap_exit, true),
    Children = [child() || _ <- lists:seq(1, 100)],
    rate(100 * Each, fun() -> [crash(Child, Each) || Child <- Children] end);
run("bytes_per_actor", Share) ->
    Count = round(10000 * Share),
    Before = resident_bytes(),
    put(actors, [used() || _ <- lists:seq(1, Count)]),
    {"bytes", (resident_bytes() - Before) / Count}.

rate(Count, Work) ->
    erlang:garbage_collect(),
    Begin = erlang:monotonic_time(microsecond),
    Work(),
    {"per_second", Count * 1.0e6 / (erlang:monotonic_time(microsecond) - Begin)}.

call(_, 0) -> ok;
call(Counter, Count) -> gen_server:call(Counter, increment), call(Counter, Count - 1).

cast(_, 0) -> ok;
cast(Counter, Count) -> gen_server:cast(Counter, note), cast(Counter, Count - 1).

fan_in(Counter, Producers, Goal) ->
    [gen_server:cast(Producer, {produce, Counter, 1000}) || Producer <- Producers],
    Goal = gen_server:call(Counter, {reach, Goal}, infinity).

producer() -> {ok, Producer} = bench_server:start(counter), Producer.

node_of_ring() -> {ok, Node} = bench_server:start(counter), Node.

used() ->
    {ok, Counter} = bench_server:start(counter),
    gen_server:cast(Counter, note),
    gen_server:call(Counter, increment),
    Counter.

child() ->
    {ok, _} = bench_supervisor:start_link(self()),
    receive {started, Child} -> Child end.

crash(_, 0) -> ok;
crash(Child, Count) ->
    gen_server:cast(Child, crash),
    receive {started, Next} -> crash(Next, Count - 1) end.

resident_bytes() ->
    {ok, Statm} = file:read_file("/proc/self/statm"),
    list_to_integer(lists:nth(2, string:lexemes(binary_to_list(Statm), " "))) * 4096.
