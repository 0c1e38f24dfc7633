// Package fact is the one place to watch Wend from: what the engine and the
// webhooks tell, as types, to observers. Logs are one of them, see Log; metrics,
// traces and live views can be others. The package does not watch anything itself.
//
// # What is told when
//
//	RunStarted                      a run is on record
//	  NodeEntered                   an attempt at a node begins
//	    NodeLogged                  the node has something to say
//	    Invoked                     its plugin decided what it does next
//	    CallMade                    one of its calls has a reply, or a failure
//	    RunWaits … RunWoken         it waits for a time or an event
//	    Fault                       the host's side failed it
//	  NodeLeft                      the attempt ended by an outcome
//	    RetryScheduled              and another will follow
//	  RunResponded                  the caller has its answer
//	RunEnded                        completed, failed or cancelled
//
//	RunParked … RunTakenUp          the run is only in the journal meanwhile
//	RunDropped                      the engine drives it no more, though it has not ended
//	RunsFound                       an engine takes up what was left unfinished
//	StartRefused, HookRefused       no run was made
//	HookAsked                       none was to be made
//	TicksLeftOut                    a schedule starts no run at some of its ticks
//	LeaseGained, LeaseLost          which runs are the engine's
//	Committed                       what several wanted written is on disk
//	JournalFailed, JournalHealed    nothing is lost, but it waits
//	ClockJumped                     the machine's clock was set
//	ObserverFailed                  an observer is told no more
//
// What follows from an event of a run is told when that event is in the journal,
// in the order of the events and before anybody who waits for the run is
// answered. So it is told once, whatever crashes: what a crash swallowed was not
// told, and what was told is not done again. The times are those of the events.
// Only between the journal and the observer may a crash come, and then a fact is
// told to nobody. NodeLogged, Invoked, and facts that are of no run's events, are told at
// once.
//
// # What is not told
//
// No fact holds inputs, outputs, variables, bodies, headers, credentials, or the
// query of an address: they are in the journal, for those who may read it.
// Messages, reasons and errors are those of the journal, from which outbound took
// the credentials.
package fact
