//go:build !race

package flow_test

const stride = 1
