package flow

// PreventsRuns is for the test that it is whole.
var PreventsRuns = preventsRuns
