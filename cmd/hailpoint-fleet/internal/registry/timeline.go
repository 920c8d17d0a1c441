package registry

import (
	"cmp"
	"slices"
)

// Timeline puts the entries of one call in one order: those of one journal by
// their numbers, those of different terminals merged by their times. So no
// clock, however wrong, reorders what one terminal reported; two terminals are
// only as well interleaved as their clocks agree. It works in place and returns
// entries.
func Timeline(entries []Entry) []Entry {
	type line struct{ device, journal string }
	lines := map[line][]Entry{}
	var order []line
	for _, e := range entries {
		k := line{e.DeviceID, e.Journal}
		if lines[k] == nil {
			order = append(order, k)
		}
		lines[k] = append(lines[k], e)
	}
	slices.SortFunc(order, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.journal, b.journal))
	})
	for _, l := range lines {
		slices.SortStableFunc(l, func(a, b Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	merged := entries[:0]
	for n := len(entries); len(merged) < n; {
		var next line
		found := false
		for _, k := range order {
			if l := lines[k]; len(l) > 0 && (!found || before(l[0], lines[next][0])) {
				next, found = k, true
			}
		}
		merged = append(merged, lines[next][0])
		lines[next] = lines[next][1:]
	}
	return merged
}

// before tells whether a goes first although it comes from another terminal.
// At the same millisecond the caller's does: it acted first.
func before(a, b Entry) bool {
	if a.At != b.At {
		return a.At < b.At
	}
	return a.Role == "caller" && b.Role != "caller"
}
