#!/usr/bin/env bash
# Cron: Sunday as the end of a range is a mistake in one library, lost in another, there in a third.
#
# Versions:  robfig/cron v3.0.1, adhocore/gronx v1.20.4, hashicorp/cronexpr v1.1.3
# Expected:  "0 9 * * 5-7" is Friday, Saturday, Sunday; 7 is Sunday as crontab(5) has it.
# Behaviour: robfig refuses it; cronexpr takes 7 alone for Sunday, but leaves Sunday out of 5-7
#            and says nothing; gronx has it.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"time"

	"github.com/adhocore/gronx"
	"github.com/hashicorp/cronexpr"
	"github.com/robfig/cron/v3"
)

func main() {
	for _, spec := range []string{"0 9 * * 7", "0 9 * * 5-7"} {
		next := map[string]func(time.Time) time.Time{"cronexpr": cronexpr.MustParse(spec).Next}
		if job, err := cron.ParseStandard(spec); err == nil {
			next["robfig"] = job.Next
		}
		next["gronx"] = func(t time.Time) time.Time {
			t, _ = gronx.NextTickAfter(spec, t, false)
			return t
		}
		for _, name := range []string{"cronexpr", "gronx", "robfig"} {
			fmt.Print(spec, "  ", name)
			t := time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC) // a Thursday
			for i := 0; next[name] != nil && i < 3; i++ {
				t = next[name](t)
				fmt.Print(t.Format(" Mon"))
			}
			fmt.Println()
		}
	}
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/robfig/cron/v3@v3.0.1 github.com/adhocore/gronx@v1.20.4 github.com/hashicorp/cronexpr@v1.1.3
go run . | tee seen
diff - seen <<'EOF'
0 9 * * 7  cronexpr Sun Sun Sun
0 9 * * 7  gronx Sun Sun Sun
0 9 * * 7  robfig
0 9 * * 5-7  cronexpr Fri Sat Fri
0 9 * * 5-7  gronx Fri Sat Sun
0 9 * * 5-7  robfig
EOF
