%% The server of all workloads: it counts, produces, hands a token on, and crashes.
-module(bench_server).
-behaviour(gen_server).
-export([start/1, start_link/1, init/1, handle_call/3, handle_cast/2]).

start(Argument) -> gen_server:start(?MODULE, Argument, []).

start_link(Argument) -> gen_server:start_link(?MODULE, Argument, []).

init(counter) -> {ok, {0, none}};
init({child, Driver}) -> Driver ! {started, self()}, {ok, child}.

handle_call(increment, _, {Count, Waiting}) -> {reply, Count + 1, {Count + 1, Waiting}};
handle_call({reach, Goal}, _, {Count, _} = State) when Count >= Goal -> {reply, Count, State};
handle_call({reach, Goal}, From, {Count, none}) -> {noreply, {Count, {From, Goal}}};
handle_call({follow, Next, Driver}, _, _) -> {reply, ok, {follow, Next, Driver}}.

handle_cast(note, {Count, {From, Goal}}) when Count + 1 >= Goal ->
    gen_server:reply(From, Count + 1),
    {noreply, {Count + 1, none}};
handle_cast(note, {Count, Waiting}) -> {noreply, {Count + 1, Waiting}};
handle_cast({produce, Target, Count}, State) -> produce(Target, Count), {noreply, State};
handle_cast({token, 0}, {follow, _, Driver} = State) -> Driver ! arrived, {noreply, State};
handle_cast({token, Hops}, {follow, Next, _} = State) -> gen_server:cast(Next, {token, Hops - 1}), {noreply, State};
handle_cast(crash, _) -> error(crash).

produce(_, 0) -> ok;
produce(Target, Count) -> gen_server:cast(Target, note), produce(Target, Count - 1).
