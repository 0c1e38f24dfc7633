// Package journal keeps what must not be lost: the events of runs, outside
// events that nobody received yet, what flows keep between their runs, and the
// flows and plugins that runs need.
// Nothing that a run does is acted on by the outside before its events are
// here. The package decides nothing about runs; it keeps their events in
// order, refuses a second owner, and finds runs without reading them all.
//
// A Driver is one place where all this is kept. Memory lives as long as the
// process, package sqlite keeps one file; journaltest is what they all pass.
//
// # What finds a run
//
//	      Append: RunStarted
//	               │   TimerSet, EventAwaited, RunPaused
//	               ▼         ────────────────────────▶
//	            running                              waiting, paused
//	               │         ◀────────────────────────     │
//	               │  TimerFired, EventReceived, RunResumed
//	               │                                       │
//	     RunEnded, RunCancelled                       RunCancelled
//	               ▼                                       │
//	completed, failed, cancelled  ◀────────────────────────┘
//
// Unfinished finds runs that are running, waiting or paused, Due those that wait for a
// time, Awaiting those that wait for an event, Runs and Find all of them, and
// Trim removes those at the bottom. What a driver keeps for that is a Summary,
// which follows from the events.
//
// # Owners and the fence
//
// Every run belongs to one of NumShards shards, see ShardOf. An owner drives
// only runs of shards that it leases, and gives its new runs ids that fall
// into them. The lease keeps two owners from doing the same work, but it is no
// fence: its time may have run out while the owner was not looking. The fence
// is the expected number of events of Append. Whatever two owners believe,
// each event of a run has one successor; the owner that lost reads ErrConflict
// and must leave the run alone.
//
// So a driver promises three things of different weight. That Append is fenced
// must hold whatever happens to clocks, processes and networks. That a shard
// has one owner until its lease is over, by clocks that run about equally fast,
// keeps calls from being made by who has lost the run: an owner looks at its
// lease right before a call that must not be repeated. That notes arrive makes
// things quick: each is a hint, without which a run goes on when its shard
// changes hands, or when whoever wants something of it asks again.
//
// The list of owners that Lease returns is for sharing fairly, and may be old.
// Owners that see different lists want too much or too little for a while; they
// never have one shard twice.
package journal
