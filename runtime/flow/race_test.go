//go:build race

package flow_test

// stride leaves out what the race detector makes twenty times slower: of the
// ways to cut and damage a flow it takes one in five.
const stride = 5
