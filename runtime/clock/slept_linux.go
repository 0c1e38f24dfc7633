package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// slept is how long the machine has been asleep since it was started, which Go's
// monotonic time leaves out.
func slept() time.Duration {
	var all, awake unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &all) != nil {
		return 0
	}
	d := time.Duration(all.Nano() - awake.Nano())
	return d.Truncate(time.Second) // the two were not read at one instant
}
