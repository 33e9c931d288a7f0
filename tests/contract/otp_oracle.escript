%% Plays schedules of deaths against OTP's own supervisor and says what it decided.
%% escript otp_oracle.escript SCHEDULES: a file of terms {Id, Strategy, Intensity, Period, [{Name, Restart}], [{WaitMs, Name, Reason}]}.
%% Says a line each step: Id Step Verdict, then +name for every child started and -name for every one stopped, in order.

-mode(compile).
-behaviour(supervisor).
-export([init/1]).

main([File]) ->
    logger:set_primary_config(level, none),
    {ok, Schedules} = file:consult(File),
    Players = [spawn_monitor(fun() -> play(Schedule) end) || Schedule <- Schedules],
    [receive {'DOWN', Monitor, _, _, Why} -> Why =:= normal orelse Why =:= shutdown orelse halt(1) end || {_, Monitor} <- Players].

play({Id, Strategy, Intensity, Period, Children, Steps}) ->
    process_flag(trap_exit, true),
    Self = self(),
    Specs = [#{id => Name, start => {erlang, apply, [fun start/2, [Self, Name]]}, restart => Restart, shutdown => 5000}
             || {Name, Restart} <- Children],
    Flags = #{strategy => Strategy, intensity => Intensity, period => Period},
    {ok, Supervisor} = supervisor:start_link(?MODULE, {Flags, Specs}),
    say(Id, 0, up, heard()),
    step(Id, 1, Supervisor, Steps).

step(_, _, Supervisor, []) ->
    exit(Supervisor, shutdown);
step(Id, Number, Supervisor, [{WaitMs, Name, Reason} | Steps]) ->
    timer:sleep(WaitMs),
    case lists:keyfind(Name, 1, supervisor:which_children(Supervisor)) of
        {Name, Pid, _, _} when is_pid(Pid) ->
            Pid ! {die, Reason},
            case settled(Supervisor, Pid) of
                up -> say(Id, Number, up, heard()), step(Id, Number + 1, Supervisor, Steps);
                gave_up -> say(Id, Number, gave_up, [])
            end;
        _ ->
            say(Id, Number, down, heard()), step(Id, Number + 1, Supervisor, Steps)
    end.

%% Wait until the supervisor has judged this death: the dead pid is nobody's any more.
settled(Supervisor, Pid) ->
    try lists:keyfind(Pid, 2, supervisor:which_children(Supervisor)) of
        false -> up;
        _ -> timer:sleep(1), settled(Supervisor, Pid)
    catch exit:_ -> gave_up
    end.

heard() ->
    receive
        {started, Name} -> [{"+", Name} | heard()];
        {stopped, Name} -> [{"-", Name} | heard()]
    after 0 -> []
    end.

say(Id, Number, Verdict, Events) ->
    Words = [[" ", Sign, atom_to_list(Name)] || {Sign, Name} <- Events],
    io:put_chars(io_lib:format("~p ~p ~p~s~n", [Id, Number, Verdict, lists:flatten(Words)])).

init(Args) -> {ok, Args}.

start(Player, Name) ->
    Player ! {started, Name},
    proc_lib:start_link(erlang, apply, [fun() -> process_flag(trap_exit, true), proc_lib:init_ack({ok, self()}), live(Player, Name) end, []]).

live(Player, Name) ->
    receive
        {die, kill} -> process_flag(trap_exit, false), exit(self(), kill), timer:sleep(infinity);
        {die, Reason} -> exit(Reason);
        {'EXIT', _, shutdown} -> Player ! {stopped, Name}, exit(shutdown)
    end.
