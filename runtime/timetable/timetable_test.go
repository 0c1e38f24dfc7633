package timetable_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/timetable"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func plan(t *testing.T, line, zone string) *timetable.Plan {
	t.Helper()
	p, err := timetable.Cron(line, zone)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Ticks around changes of clocks.
func TestClockChanges(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line, zone, after string
		want                    string
	}{
		{"each morning through the end of summer time", "0 7 * * *", "Europe/Zurich", "2026-10-23T12:00:00+02:00", `
			2026-10-24T07:00:00+02:00
			2026-10-25T07:00:00+01:00
			2026-10-26T07:00:00+01:00`},
		{"each morning through its beginning", "0 7 * * *", "Europe/Zurich", "2027-03-26T12:00:00+01:00", `
			2027-03-27T07:00:00+01:00
			2027-03-28T07:00:00+02:00
			2027-03-29T07:00:00+02:00`},
		{"a time that the clock jumps over", "30 2 * * *", "Europe/Zurich", "2027-03-26T12:00:00+01:00", `
			2027-03-27T02:30:00+01:00
			2027-03-28T03:00:00+02:00
			2027-03-29T02:30:00+02:00`},
		{"two times in one gap", "*/30 2,3 * * *", "Europe/Zurich", "2027-03-28T00:00:00+01:00", `
			2027-03-28T03:00:00+02:00
			2027-03-28T03:30:00+02:00
			2027-03-29T02:00:00+02:00`},
		{"a time that comes twice", "30 2 * * *", "Europe/Zurich", "2026-10-24T12:00:00+02:00", `
			2026-10-25T02:30:00+02:00
			2026-10-26T02:30:00+01:00`},
		{"a time that comes twice, asked between the two", "30 2 * * *", "Europe/Zurich", "2026-10-25T02:45:00+02:00", `
			2026-10-26T02:30:00+01:00`},
		{"each half hour, an hour that comes twice", "*/30 * * * *", "Europe/Zurich", "2026-10-25T01:30:00+02:00", `
			2026-10-25T02:00:00+02:00
			2026-10-25T02:30:00+02:00
			2026-10-25T02:00:00+01:00
			2026-10-25T02:30:00+01:00
			2026-10-25T03:00:00+01:00`},
		{"each half hour, an hour that is jumped over", "*/30 * * * *", "Europe/Zurich", "2027-03-28T01:00:00+01:00", `
			2027-03-28T01:30:00+01:00
			2027-03-28T03:00:00+02:00
			2027-03-28T03:30:00+02:00`},
		{"every second hour is a time on the wall", "30 */2 * * *", "Europe/Zurich", "2026-10-25T00:30:00+02:00", `
			2026-10-25T02:30:00+02:00
			2026-10-25T04:30:00+01:00`},
		{"a midnight that is jumped over", "0 0 * * *", "America/Havana", "2026-03-07T00:00:00-05:00", `
			2026-03-08T01:00:00-04:00
			2026-03-09T00:00:00-04:00`},
		{"a midnight that comes twice", "0 0 * * *", "America/Havana", "2026-10-31T12:00:00-04:00", `
			2026-11-01T00:00:00-04:00
			2026-11-02T00:00:00-05:00`},
		{"the hour before a midnight that comes twice", "30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00-02:00", `
			2018-02-17T23:30:00-02:00
			2018-02-18T23:30:00-03:00`},
		{"a change by half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30", `
			2026-10-04T02:30:00+11:00
			2026-10-05T02:15:00+11:00`},
		{"a day that there never was", "0 7 * * *", "Pacific/Apia", "2011-12-29T06:00:00-10:00", `
			2011-12-29T07:00:00-10:00
			2011-12-31T00:00:00+14:00
			2011-12-31T07:00:00+14:00`},
		{"a zone that never changes", "0 7 * * *", "UTC", "2026-10-24T07:00:00Z", `
			2026-10-25T07:00:00Z`},
		{"a quarter of an hour beside the others", "0 0 * * *", "Asia/Kathmandu", "2026-10-24T00:00:00Z", `
			2026-10-25T00:00:00+05:45`},
		{"day of the month or of the week", "0 0 13 * fri", "", "2026-11-06T00:00:00Z", `
			2026-11-13T00:00:00Z
			2026-11-20T00:00:00Z
			2026-11-27T00:00:00Z
			2026-12-04T00:00:00Z
			2026-12-11T00:00:00Z
			2026-12-13T00:00:00Z`},
		{"leap days", "0 0 29 2 *", "", "2026-01-01T00:00:00Z", `
			2028-02-29T00:00:00Z
			2032-02-29T00:00:00Z`},
		{"leap days, the long gap", "0 0 29 2 *", "", "2096-03-01T00:00:00Z", `
			2104-02-29T00:00:00Z`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := plan(t, test.line, test.zone)
			want := strings.Fields(test.want)
			var got []string
			next := at(t, test.after)
			for range want {
				next = p.Next(next)
				got = append(got, next.Format(time.RFC3339))
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			// Looked at from the end they are the same.
			var back []string
			for _, tick := range p.Last(at(t, test.after), next, len(want)) {
				back = append(back, tick.Format(time.RFC3339))
			}
			if d := cmp.Diff(want, back); d != "" {
				t.Errorf("Last (-want +got)\n%s", d)
			}
		})
	}
}

// Whatever the zone, a line that names one time ticks exactly once for each day,
// and what the clock shows then is that time or the end of a gap.
func TestOnceADay(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Zurich", "America/Havana", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Antarctica/Troll", "UTC"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			for hour := range 24 {
				p := plan(t, fmt.Sprintf("30 %d * * *", hour), zone)
				begin := time.Date(2025, 12, 31, 23, 59, 0, 0, p.Zone())
				ticks := p.Last(begin, time.Date(2027, 12, 31, 23, 59, 59, 0, p.Zone()), 1000)
				if len(ticks) != 730 {
					t.Fatalf("%d ticks at %d:30 in two years, want 730", len(ticks), hour)
				}
				for _, tick := range ticks {
					_, before := tick.Add(-time.Minute).Zone()
					_, now := tick.Zone()
					if tick.Format("15:04") != fmt.Sprintf("%02d:30", hour) && before == now {
						t.Errorf("%d:30 ticks at %s", hour, tick.Format(time.RFC3339))
					}
				}
			}
		})
	}
}

func TestEvery(t *testing.T) {
	t.Parallel()
	p, err := timetable.Every(90 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tick := range p.Last(at(t, "2026-11-28T00:00:00Z"), at(t, "2026-11-28T05:00:00Z"), 2) {
		got = append(got, tick.Format(time.RFC3339))
	}
	got = append(got, p.Next(at(t, "2026-11-28T04:30:00Z")).Format(time.RFC3339), p.Next(at(t, "1969-12-31T23:00:00Z")).Format(time.RFC3339))
	want := []string{"2026-11-28T03:00:00Z", "2026-11-28T04:30:00Z", "2026-11-28T06:00:00Z", "1970-01-01T00:00:00Z"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// The last ticks of a long time cost no more than those that are asked for.
func TestLastOfMany(t *testing.T) {
	t.Parallel()
	minute := plan(t, "* * * * *", "Europe/Zurich")
	second, err := timetable.Every(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	now := at(t, "2026-11-28T00:00:30Z")
	for name, p := range map[string]*timetable.Plan{"minute": minute, "second": second} {
		ticks := p.Last(at(t, "2001-01-01T00:00:00Z"), now, 1000)
		if len(ticks) != 1000 || now.Sub(ticks[999]) >= time.Minute {
			t.Errorf("each %s: %d ticks, the last %s", name, len(ticks), ticks[len(ticks)-1])
		}
	}
	if ticks := minute.Last(now, now.Add(20*time.Second), 10); len(ticks) != 0 {
		t.Errorf("ticks within the minute: %s", ticks)
	}
	if ticks := plan(t, "0 0 29 2 *", "").Last(time.Time{}, now, 3); len(ticks) != 2 {
		t.Errorf("leap days of the last nine years: %s", ticks)
	}
}

func TestGap(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"* * * * *": time.Minute, "0 7 * * *": 24 * time.Hour, "0,5 7 * * *": 5 * time.Minute,
		"59 23 * * *": 24 * time.Hour, "0 0 1 1 *": 365 * 24 * time.Hour, "0 0 29 2 *": 1461 * 24 * time.Hour,
	}
	for line, want := range tests {
		if got := plan(t, line, "Europe/Zurich").Gap(); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func TestWrong(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, zone, want string }{
		{"", "", `cron: cron is empty ("0 7 * * mon-fri" is each working day at 7:00)`},
		{"0 7 * *", "", `cron: cron "0 7 * *" has 4 fields, expected five: minute, hour, day of the month, month, day of the week ("0 7 * * mon-fri" is each working day at 7:00)`},
		{"0 0 7 * * *", "", `cron: cron "0 0 7 * * *" has six fields, expected five: minute, hour, day of the month, month, day of the week (seconds are not among them: write "0 7 * * *")`},
		{"*/10 * * * * *", "", `cron: cron "*/10 * * * * *" has six fields, expected five: minute, hour, day of the month, month, day of the week (seconds are not among them; for those write every, such as every: 10s)`},
		{"60 7 * * *", "", `cron: cron "60 7 * * *": the minute is "60", expected 0 to 59 (a list is 1,2,3, a span 1-5, and every third */3)`},
		{"0 24 * * *", "", `cron: cron "0 24 * * *": the hour is "24", expected 0 to 23 (a list is 1,2,3, a span 1-5, and every third */3)`},
		{"0 7 32 * *", "", `cron: cron "0 7 32 * *": the day of the month is "32", expected 1 to 31 (a list is 1,2,3, a span 1-5, and every third */3)`},
		{"0 7 * juni *", "", `cron: cron "0 7 * juni *": the month is "juni", expected 1 to 12, or jan to dec (a list is 1,2,3, a span 1-5, and every third */3)`},
		{"0 7 * * 7", "", `cron: cron "0 7 * * 7": the day of the week is "7", expected 0 (Sunday) to 6, or sun to sat (Sunday is 0: 6-7 is 6,0 here, and 1-7 is *)`},
		{"*/0 7 * * *", "", `cron: cron "*/0 7 * * *": the minute is "*/0", a step of 0 (each one is *, and every third */3)`},
		{"0 22-6 * * *", "", `cron: cron "0 22-6 * * *": the hour is "22-6", a span that runs backwards (write "22-23,0-6" for what goes on from 23 to 0)`},
		{"0 7 * * 5-1", "", `cron: cron "0 7 * * 5-1": the day of the week is "5-1", a span that runs backwards (write "5-6,0-1" for what goes on from 6 to 0)`},
		{"0 7 * * fri-mon", "", `cron: cron "0 7 * * fri-mon": the day of the week is "fri-mon", a span that runs backwards (write "fri-sat,sun-mon" for what goes on from sat to sun)`},
		{"0 7 * nov-feb *", "", `cron: cron "0 7 * nov-feb *": the month is "nov-feb", a span that runs backwards (write "nov-dec,jan-feb" for what goes on from dec to jan)`},
		{"0 7 L * *", "", `cron: cron "0 7 L * *": the day of the month is "L", expected 1 to 31 (L, W and # of other tools are not known here; tick on more days, and let a branch of "evaluate" choose)`},
		{"cron(0 7 * * ? *)", "", `cron: cron "cron(0 7 * * ? *)": expected five fields (write five fields, without cron( ) around them and with * for ?; "0 7 * * mon-fri" is each working day at 7:00)`},
		{"rate(5 minutes)", "", `cron: cron "rate(5 minutes)": expected five fields (write every in the place of cron, such as every: 5m)`},
		{"@daily", "", `cron: cron "@daily": expected five fields (@daily is "0 0 * * *")`},
		{"@every 5m", "", `cron: cron "@every 5m": expected five fields (write every: 5m in the place of cron)`},
		{"TZ=UTC 0 7 * * *", "", `cron: cron "TZ=UTC 0 7 * * *": expected five fields, and nothing before them (the zone goes into timezone)`},
		{"TZ=UTC", "", `cron: cron "TZ=UTC": expected five fields, and nothing before them (the zone goes into timezone)`},
		{"0 0 30 2 *", "", `cron: cron "0 0 30 2 *" never ticks: month 2 has no day 30 (the third field is the day of the month, the fourth the month)`},
		{"0 0 31 feb,apr,jun *", "", `cron: cron "0 0 31 feb,apr,jun *" never ticks: month feb,apr,jun has no day 31 (the third field is the day of the month, the fourth the month)`},
		{"0 7 * * *", "Europe/Zuerich", `timezone: timezone "Europe/Zuerich" is not known (did you mean "Europe/Zurich"?)`},
		{"0 7 * * *", "europe/zurich", `timezone: timezone "europe/zurich" is not known (did you mean "Europe/Zurich"?)`},
		{"0 7 * * *", "Zurich", `timezone: timezone "Zurich" is not known (did you mean "Europe/Zurich"?)`},
		{"0 7 * * *", "America/New York", `timezone: timezone "America/New York" is not known (did you mean "America/New_York"?)`},
		{"0 7 * * *", "Local", `timezone: timezone "Local" depends on the machine (name the one that is meant, such as "Europe/Zurich")`},
		{"0 7 * * *", "+02:00", `timezone: timezone "+02:00" is not known (expected one such as "Europe/Zurich" or "UTC")`},
	}
	for _, test := range tests {
		t.Run(test.line+" "+test.zone, func(t *testing.T) {
			t.Parallel()
			_, err := timetable.Cron(test.line, test.zone)
			wrong, ok := errors.AsType[*timetable.Error](err)
			if !ok {
				t.Fatalf("error %v, want an *Error", err)
			}
			if got := fmt.Sprintf("%s: %s (%s)", wrong.Input, wrong.Msg, wrong.Hint); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
	if _, err := timetable.Every(99999 * 24 * time.Hour); err == nil || err.Error() != "every is 99999 days, expected at most 366" {
		t.Errorf("every 99999 days: %v", err)
	}
	if _, err := timetable.Every(999 * time.Millisecond); err == nil || err.Error() != "every is 999ms, expected at least 1s" {
		t.Errorf("every 999ms: %v", err)
	}
}

// Every zone that is proposed can be had.
func TestZones(t *testing.T) {
	t.Parallel()
	if len(timetable.Zones()) < 500 {
		t.Fatalf("%d zones", len(timetable.Zones()))
	}
	for _, zone := range timetable.Zones() {
		if _, err := timetable.Cron("0 7 * * *", zone); err != nil {
			t.Error(err)
		}
	}
}

// Whatever is given, a plan goes on and forth by minutes, or the error says what
// is wrong.
func FuzzCron(f *testing.F) {
	for _, line := range []string{"0 7 * * *", "*/7 1-3,5 */2 feb-dec mon", "TZ=", "@every", "0 0 30 2 *", "1-2-3 * * * *", "*/99999999999999 * * * *"} {
		f.Add(line, int64(1_790_000_000))
	}
	f.Fuzz(func(t *testing.T, line string, unix int64) {
		p, err := timetable.Cron(line, "Africa/Cairo")
		if err != nil {
			if _, ok := errors.AsType[*timetable.Error](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		after := time.Unix(unix%4_000_000_000, 0)
		for range 3 {
			next := p.Next(after)
			if !next.After(after) || next.Second() != 0 {
				t.Fatalf("%q: %s after %s", line, next, after)
			}
			after = next
		}
	})
}
