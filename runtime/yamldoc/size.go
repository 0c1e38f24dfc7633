package yamldoc

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var sizeForm = regexp.MustCompile(`^([0-9]+) ?(B|KB|KiB|MB|MiB|GB|GiB)?$`)

// ParseSize reads a number of bytes above 0, as 1048576, 256KB or 64 MiB. KB
// and KiB both mean 1024 bytes, as memory is counted.
func ParseSize(s string) (int64, error) {
	m := sizeForm.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf(`%q is not a size, expected one such as "256KB" or "64MiB"`, s)
	}
	shift := 10 * strings.Index("BKMG", (m[2] + "B")[:1])
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a size above 0 that fits into 63 bits", s)
	}
	return n << shift, nil
}
