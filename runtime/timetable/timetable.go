// Package timetable tells when a schedule ticks: by a cron line in a time zone,
// or every so often. It waits for nothing and starts nothing.
//
// Clocks that change are where tools differ. Here a tick of a cron line is a time
// on the wall. One that the clock jumps over comes at the first instant after the
// gap, together with others of the same gap; one that the clock shows twice comes
// once, at the first. Only a line that is good for every hour is about the time that
// passes: it ticks in each hour, also in one that comes twice. What ticks every so
// often knows no clock on the wall at all.
package timetable

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Plan is when a schedule ticks. Immutable and safe for concurrent use.
type Plan struct {
	line  string // a cron line; "" if every is set
	days  *cron.SpecSchedule
	zone  *time.Location
	every time.Duration
}

// Error says which input of a schedule is wrong.
type Error struct {
	Input     string // "cron", "timezone" or "every"
	Msg, Hint string
}

func (e *Error) Error() string { return e.Msg }

// Shortest is the least time between two ticks of Every, and Longest the most: who
// writes more has slipped, and would wait for it for years.
const (
	Shortest = time.Second
	Longest  = 366 * 24 * time.Hour
)

// Every ticks whenever a multiple of d has passed since 1970 began in UTC. So a
// restart, another server and another flow with the same d have the same ticks.
// The error is an *Error.
func Every(d time.Duration) (*Plan, error) {
	switch {
	case d < Shortest:
		return nil, &Error{Input: "every", Msg: fmt.Sprintf("every is %s, expected at least %s", d, Shortest)}
	case d > Longest:
		return nil, &Error{
			Input: "every", Msg: fmt.Sprintf("every is %d days, expected at most %d", d/(24*time.Hour), Longest/(24*time.Hour)),
			Hint: `a day of the year is for cron: "0 7 31 12 *" is each New Year's Eve at 7:00`,
		}
	}
	return &Plan{every: d, zone: time.UTC}, nil
}

// Cron ticks by a cron line of five fields on the clocks of a zone, UTC if that is
// empty. The error is an *Error, and says which field is at fault.
func Cron(line, zone string) (*Plan, error) {
	loc, err := loadZone(zone)
	if err != nil {
		return nil, err
	}
	days, err := parse(line)
	if err != nil {
		return nil, err
	}
	p := &Plan{line: strings.Join(strings.Fields(line), " "), days: days, zone: loc}
	if p.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		fields := strings.Fields(line)
		return nil, &Error{
			Input: "cron", Msg: fmt.Sprintf("cron %q never ticks: month %s has no day %s", line, fields[3], fields[2]),
			Hint: "the third field is the day of the month, the fourth the month",
		}
	}
	return p, nil
}

// String tells two plans apart, and what one is.
func (p *Plan) String() string {
	if p.days == nil {
		return "every " + p.every.String()
	}
	return p.line + " " + p.zone.String()
}

// Zone is where the plan's clock hangs.
func (p *Plan) Zone() *time.Location { return p.zone }

// Next is the first tick after a time, in the plan's zone.
func (p *Plan) Next(after time.Time) time.Time {
	if p.days == nil {
		return p.multiple(after).Add(p.every)
	}
	// What falls into a gap may come on a later day than its own.
	day := dateOf(after.In(p.zone)).AddDate(0, 0, -1)
	for range searchedDays {
		if p.has(day) {
			if t := p.on(day, after); !t.IsZero() {
				return t.In(p.zone)
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// searchedDays are more than lie between two leap days of 1896 and 1904, or 2096
// and 2104.
const searchedDays = 9 * 366

// Last returns the last ticks after one time and not after another, at most so
// many, the oldest first.
func (p *Plan) Last(after, until time.Time, most int) []time.Time {
	if p.days == nil {
		var ticks []time.Time
		for t := p.multiple(until); t.After(after) && len(ticks) < most; t = t.Add(-p.every) {
			ticks = append(ticks, t)
		}
		slices.Reverse(ticks)
		return ticks
	}
	for window := time.Hour; ; window *= 4 {
		from := until.Add(-window)
		all := window > searchedDays*24*time.Hour || !from.After(after)
		if all {
			from = after
			if oldest := until.Add(-searchedDays * 24 * time.Hour); from.Before(oldest) {
				from = oldest
			}
		}
		var ticks []time.Time
		for t := p.Next(from); !t.IsZero() && !t.After(until); t = p.Next(t) {
			ticks = append(ticks, t)
		}
		if all || len(ticks) >= most {
			return ticks[max(0, len(ticks)-most):]
		}
	}
}

// Gap is the least time between two ticks of an ordinary year.
func (p *Plan) Gap() time.Duration {
	if p.days == nil {
		return p.every
	}
	utc := &Plan{days: p.days, zone: time.UTC}
	const looked = 1500 // the minutes of a day, and some of the next
	least, last := time.Duration(0), utc.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for range looked {
		next := utc.Next(last)
		if least == 0 || next.Sub(last) < least {
			least = next.Sub(last)
		}
		if last = next; least <= time.Minute || next.Year() > 2040 {
			break
		}
	}
	return least
}

// multiple is the last one not after t.
func (p *Plan) multiple(t time.Time) time.Time {
	passed := t.Unix()*int64(time.Second) + int64(t.Nanosecond())
	over := passed % int64(p.every)
	if over < 0 {
		over += int64(p.every)
	}
	return time.Unix(0, passed-over).UTC()
}

// dateOf is the midnight in UTC of the date that t has where it is.
func dateOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// has tells whether the plan ticks on a date at all. Where both kinds of days are
// restricted, either will do, as cron has always had it.
func (p *Plan) has(day time.Time) bool {
	month := has(p.days.Month, int(day.Month()))
	dom, dow := has(p.days.Dom, day.Day()), has(p.days.Dow, int(day.Weekday()))
	if has(p.days.Dom, star) || has(p.days.Dow, star) {
		return month && dom && dow
	}
	return month && (dom || dow)
}

// star is the bit that the library sets in a field that is *.
const star = 63

func has(bits uint64, i int) bool { return bits>>i&1 == 1 }

// on is the first tick of a date after a time, or zero.
func (p *Plan) on(day, after time.Time) time.Time {
	const eachHour = 1<<24 - 1
	if p.days.Hour&eachHour == eachHour {
		return p.passing(day, after)
	}
	for hour := range 24 {
		if !has(p.days.Hour, hour) {
			continue
		}
		for minute := range 60 {
			if !has(p.days.Minute, minute) {
				continue
			}
			at := p.instant(day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute))
			if at.After(after) {
				return at
			}
		}
	}
	return time.Time{}
}

// passing is what on is for a line that is good for every hour: each minute that
// passes on that date is looked at.
func (p *Plan) passing(day, after time.Time) time.Time {
	end := p.instant(day.AddDate(0, 0, 1))
	t := p.instant(day)
	if !t.After(after) {
		local := after.In(p.zone)
		t = after.Add(time.Minute - time.Duration(local.Second())*time.Second - time.Duration(local.Nanosecond()))
	}
	for ; t.Before(end); t = t.Add(time.Minute) {
		if has(p.days.Minute, t.In(p.zone).Minute()) {
			return t
		}
	}
	return time.Time{}
}

// instant is when the clock on the wall first shows what wall has in UTC, or when
// it first shows something later if it never shows that.
func (p *Plan) instant(wall time.Time) time.Time {
	y, m, d := wall.Date()
	near := time.Date(y, m, d, wall.Hour(), wall.Minute(), 0, 0, p.zone) // right, or beside the change that matters
	start, end := near.ZoneBounds()
	var first, gap time.Time
	for _, edge := range []time.Time{start, end} {
		if edge.IsZero() {
			continue
		}
		before, after := shown(wall, edge.Add(-1)), shown(wall, edge)
		if before.Before(edge) {
			first = earlier(first, before)
		}
		if !after.Before(edge) {
			first = earlier(first, after)
		}
		if !before.Before(edge) && after.Before(edge) {
			gap = edge
		}
	}
	switch {
	case !gap.IsZero():
		return gap
	case first.IsZero(): // a zone that never changes
		return near
	}
	return first
}

// shown is when a clock would show wall that is set as it is at a time.
func shown(wall, at time.Time) time.Time {
	_, offset := at.Zone()
	return wall.Add(-time.Duration(offset) * time.Second)
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
