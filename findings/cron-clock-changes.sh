#!/usr/bin/env bash
# Five cron libraries, one daily job at 02:30 in Zurich, four answers when the clocks change.
#
# Versions:  robfig/cron v3.0.1, adhocore/gronx v1.20.4, hashicorp/cronexpr v1.1.3;
#            npm croner 11.0.1, cron-parser 5.10.6
# Expected:  "30 2 * * *" is once a day, and every library agrees when.
# Behaviour: on 28 March 2027 there is no 02:30: Go's three skip the day, croner fires at
#            03:00, cron-parser at 03:30. On 25 October 2026 there are two: robfig and
#            cronexpr fire at both, gronx at the second, npm's two at the first.
# Seen:      the lines at the end, in UTC.
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
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		panic(err)
	}
	job, err := cron.ParseStandard("30 2 * * *")
	if err != nil {
		panic(err)
	}
	next := map[string]func(time.Time) time.Time{"cronexpr": cronexpr.MustParse("30 2 * * *").Next, "robfig": job.Next}
	next["gronx"] = func(t time.Time) time.Time {
		t, _ = gronx.NextTickAfter("30 2 * * *", t, false)
		return t
	}
	for _, eve := range []time.Time{time.Date(2027, 3, 27, 12, 0, 0, 0, zurich), time.Date(2026, 10, 24, 12, 0, 0, 0, zurich)} {
		for _, name := range []string{"cronexpr", "gronx", "robfig"} {
			first := next[name](eve)
			fmt.Println(name, first.UTC().Format("02T15:04"), next[name](first).UTC().Format("02T15:04"))
		}
	}
}
EOF
cat >main.mjs <<'EOF'
import { Cron } from "croner";
import { CronExpressionParser } from "cron-parser";
const options = { timezone: "Europe/Zurich", paused: true };
const short = (...dates) => dates.map((d) => d.toISOString().slice(8, 16)).join(" ");
for (const eve of [new Date("2027-03-27T11:00Z"), new Date("2026-10-24T10:00Z")]) {
  console.log("croner", short(...new Cron("30 2 * * *", options).nextRuns(2, eve)));
  const p = CronExpressionParser.parse("30 2 * * *", { currentDate: eve, tz: options.timezone });
  console.log("cron-parser", short(p.next().toDate(), p.next().toDate()));
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/robfig/cron/v3@v3.0.1 github.com/adhocore/gronx@v1.20.4 github.com/hashicorp/cronexpr@v1.1.3
npm install --no-audit --no-fund --ignore-scripts croner@11.0.1 cron-parser@5.10.6
{ go run . && node main.mjs; } | tee seen
diff - seen <<'EOF'
cronexpr 29T00:30 30T00:30
gronx 29T00:30 30T00:30
robfig 29T00:30 30T00:30
cronexpr 25T00:30 25T01:30
gronx 25T01:30 26T01:30
robfig 25T00:30 25T01:30
croner 28T01:00 29T00:30
cron-parser 28T01:30 29T00:30
croner 25T00:30 26T01:30
cron-parser 25T00:30 26T01:30
EOF
