package journal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"hailpoint/mqtt/journal"
)

func open(t testing.TB, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// add appends n records of some size each, one sync for all.
func add(t testing.TB, j *journal.Journal, n int) []journal.Entry {
	t.Helper()
	builds := make([]journal.Build, n)
	for i := range builds {
		builds[i] = func(seq uint64, prev string) ([]byte, error) {
			return fmt.Appendf(nil, `{"journal":%q,"seq":%d,"prev":%q,"pad":%q}`, j.ID(), seq, prev, strings.Repeat("x", int(seq%97))), nil
		}
	}
	entries, err := j.Append(builds...)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// check reads everything kept from number from on and follows the chain.
func check(t testing.TB, j *journal.Journal, from uint64) []journal.Entry {
	t.Helper()
	var all []journal.Entry
	for {
		entries, err := j.Read(from+uint64(len(all)), 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		all = append(all, entries...)
	}
	for i, e := range all {
		if e.Seq != from+uint64(i) {
			t.Fatalf("record %d stands at place %d after %d", e.Seq, i, from)
		}
		if i == 0 {
			continue
		}
		sum := sha256.Sum256(all[i-1].Data)
		if !bytes.Contains(e.Data, []byte(hex.EncodeToString(sum[:]))) {
			t.Fatalf("record %d does not carry the hash of the one before: %s", e.Seq, e.Data)
		}
	}
	return all
}

// same compares entries; a diff of thousands takes too long.
func same(a, b []journal.Entry) bool {
	return slices.EqualFunc(a, b, func(a, b journal.Entry) bool { return a.Seq == b.Seq && bytes.Equal(a.Data, b.Data) })
}

func TestNumbersAndChainContinueAfterReopening(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	id := j.ID()
	if u, err := uuid.Parse(id); err != nil || u.Version() != 7 {
		t.Errorf("journal id %q is no UUIDv7: %v", id, err)
	}
	if j.Last() != 0 || j.First() != 1 || j.Running() != nil {
		t.Errorf("a new journal has last %d, first %d, mark %q", j.Last(), j.First(), j.Running())
	}
	first := add(t, j, 1)
	if want := strings.Repeat("0", 64); first[0].Seq != 1 || !bytes.Contains(first[0].Data, []byte(want)) {
		t.Errorf("the first record is %d: %s", first[0].Seq, first[0].Data)
	}
	for range 5 {
		add(t, j, 3)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, dir)
		if j.ID() != id || len(j.Damage()) != 0 {
			t.Fatalf("reopened: id %s, was %s; damage %v", j.ID(), id, j.Damage())
		}
	}
	if got := len(check(t, j, 1)); got != 16 || j.Last() != 16 {
		t.Errorf("%d records, last %d, want 16", got, j.Last())
	}
}

func TestSegmentsRotateAndAreRemovedWhenDelivered(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	var want []journal.Entry
	for range 80 {
		want = append(want, add(t, j, 50)...)
	}
	files := func() int {
		names, _ := filepath.Glob(filepath.Join(dir, "*.journal"))
		return len(names)
	}
	before := files()
	if before < 3 {
		t.Fatalf("%d segments hold %d records", before, len(want))
	}
	if !same(want, check(t, j, 1)) {
		t.Error("what was read is not what was appended")
	}
	if err := j.Keep(3000); err != nil {
		t.Fatal(err)
	}
	if files() >= before || j.First() > 3000 || j.First() == 1 {
		t.Errorf("after Keep(3000): %d segments of %d, first %d", files(), before, j.First())
	}
	kept := j.First()
	_ = j.Close()
	j = open(t, dir)
	if !same(want[kept-1:], check(t, j, kept)) || j.First() != kept || len(j.Damage()) != 0 {
		t.Errorf("reopened: first %d, want %d; damage %v", j.First(), kept, j.Damage())
	}
	if err := j.Keep(j.Last() + 1); err != nil {
		t.Fatal(err)
	}
	if files() != 1 {
		t.Errorf("%d segments when all is delivered", files())
	}
	last := j.Last()
	_ = j.Close()
	j = open(t, dir)
	if e := add(t, j, 1); e[0].Seq != last+1 {
		t.Errorf("after removal the next number is %d, want %d", e[0].Seq, last+1)
	}
}

func TestAcknowledgedIsRemembered(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	add(t, j, 10)
	for _, step := range []struct{ ack, want uint64 }{{4, 4}, {2, 4}, {9, 9}} {
		if err := j.Acknowledge(step.ack); err != nil || j.Acknowledged() != step.want {
			t.Errorf("Acknowledge(%d): %v, now %d, want %d", step.ack, err, j.Acknowledged(), step.want)
		}
	}
	if err := j.Acknowledge(11); err == nil || j.Acknowledged() != 9 {
		t.Errorf("a number never given out was acknowledged: %v", err)
	}
	_ = j.Close()
	if j = open(t, dir); j.Acknowledged() != 9 {
		t.Errorf("reopened: %d acknowledged, want 9", j.Acknowledged())
	}
	_ = j.Close()
	if err := os.WriteFile(filepath.Join(dir, "acknowledged"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if j = open(t, dir); j.Acknowledged() != 0 || j.Last() != 10 {
		t.Errorf("with a torn note: %d acknowledged of %d", j.Acknowledged(), j.Last())
	}
}

func TestRunningMarkSurvives(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	set := func(s string) {
		t.Helper()
		if err := j.SetRunning([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	reopen := func() string {
		t.Helper()
		_ = j.Close()
		j = open(t, dir)
		return string(j.Running())
	}
	set("talk 1")
	set("talk 2, a little longer")
	if got := reopen(); got != "talk 2, a little longer" {
		t.Errorf("found %q", got)
	}
	set("talk 3")
	if got := reopen(); got != "talk 3" {
		t.Errorf("found %q", got)
	}
	// Power lost in the middle of the next write: the one before counts.
	set("talk 4")
	_ = j.Close()
	file := filepath.Join(dir, "running")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.Index(b, []byte("talk 4"))] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := reopen(); got != "talk 3" {
		t.Errorf("after a torn mark found %q, want the one before", got)
	}
	set("")
	if got := reopen(); got != "" {
		t.Errorf("taken away, but found %q", got)
	}
	if err := j.SetRunning(make([]byte, journal.MaxMark+1)); err == nil {
		t.Error("a mark that is too large was taken")
	}
}

func TestFailingBuildAppendsNothing(t *testing.T) {
	j := open(t, t.TempDir())
	bad := errors.New("no data")
	good := func(uint64, string) ([]byte, error) { return []byte("{}"), nil }
	if _, err := j.Append(good, func(uint64, string) ([]byte, error) { return nil, bad }); !errors.Is(err, bad) {
		t.Errorf("Append: %v", err)
	}
	huge := func(uint64, string) ([]byte, error) { return make([]byte, journal.MaxRecord+1), nil }
	if _, err := j.Append(huge); err == nil {
		t.Error("a record beyond the limit was taken")
	}
	if e := add(t, j, 1); e[0].Seq != 1 {
		t.Errorf("the next number is %d, want 1", e[0].Seq)
	}
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, err := journal.Open(dir); err == nil || !strings.Contains(err.Error(), "another hailpoint") {
		t.Errorf("the second Open says %v", err)
	}
}

func TestClosedJournalSaysSo(t *testing.T) {
	j := open(t, t.TempDir())
	_ = j.Close()
	if _, err := j.Append(); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("Append: %v", err)
	}
	if err := errors.Join(j.Keep(1), j.SetRunning(nil)); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("Keep, SetRunning: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// written makes a journal of n records and returns its only segment's name and
// bytes.
func written(t *testing.T, n int) (name string, b []byte, entries []journal.Entry) {
	t.Helper()
	dir := t.TempDir()
	j := open(t, dir)
	for range n {
		entries = append(entries, add(t, j, 1)...)
	}
	_ = j.Close()
	names, _ := filepath.Glob(filepath.Join(dir, "*.journal"))
	if len(names) != 1 {
		t.Fatalf("%d segments", len(names))
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(names[0]), b, entries
}

func openBytes(t testing.TB, name string, b []byte) (*journal.Journal, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, dir), dir
}

func TestTornTailIsCutBackToTheLastWholeRecord(t *testing.T) {
	name, b, entries := written(t, 6)
	ends := make([]int, len(entries)) // where each record ends in the file
	for i, e := range entries {
		ends[i] = bytes.Index(b, e.Data) + len(e.Data)
	}
	for cut := ends[2]; cut <= len(b); cut++ {
		whole := 0
		for whole < len(ends) && ends[whole] <= cut {
			whole++
		}
		j, dir := openBytes(t, name, b[:cut])
		if got := check(t, j, 1); !same(entries[:whole], got) {
			t.Fatalf("cut at %d: %d records, want %d", cut, len(got), whole)
		}
		if said := len(j.Damage()) > 0; said != (cut != ends[whole-1]) {
			t.Fatalf("cut at %d of records ending at %v: damage %v", cut, ends, j.Damage())
		}
		if e := add(t, j, 1); e[0].Seq != uint64(whole)+1 {
			t.Fatalf("cut at %d: the next number is %d", cut, e[0].Seq)
		}
		_ = j.Close()
		j = open(t, dir)
		if got := len(check(t, j, 1)); got != whole+1 || len(j.Damage()) != 0 {
			t.Fatalf("cut at %d, then one appended: %d records, damage %v", cut, got, j.Damage())
		}
		_ = j.Close()
	}
}

func TestFlippedBitLosesOnlyItsRecord(t *testing.T) {
	name, b, entries := written(t, 4)
	begin := bytes.Index(b, entries[0].Data) + len(entries[0].Data)
	end := bytes.Index(b, entries[1].Data) + len(entries[1].Data)
	for bit := begin * 8; bit < end*8; bit++ {
		bad := bytes.Clone(b)
		bad[bit/8] ^= 1 << (bit % 8)
		j, _ := openBytes(t, name, bad)
		got, err := j.Read(1, 100)
		if err != nil {
			t.Fatal(err)
		}
		if !same([]journal.Entry{entries[0], entries[2], entries[3]}, got) {
			t.Fatalf("bit %d: got %v", bit, got)
		}
		d := j.Damage()
		if len(d) != 2 || d[1].First != 2 || d[1].Last != 2 || j.Last() != 4 {
			t.Fatalf("bit %d: last %d, damage %+v", bit, j.Last(), d)
		}
		_ = j.Close()
	}
}

func TestAlteredRecordIsTold(t *testing.T) {
	// Somebody rewrites a record, checksum and all, by playing in a record of
	// another journal with the same number.
	name, b, entries := written(t, 3)
	_, other, otherEntries := written(t, 3)
	at := func(b, data []byte) (int, int) {
		i := bytes.Index(b, data)
		return bytes.LastIndex(b[:i], []byte("hpjr")), i + len(data)
	}
	from, to := at(b, entries[1].Data)
	ofrom, oto := at(other, otherEntries[1].Data)
	bad := append(append(bytes.Clone(b[:from]), other[ofrom:oto]...), b[to:]...)
	j, _ := openBytes(t, name, bad)
	if d := j.Damage(); len(d) == 0 || !strings.Contains(d[len(d)-1].Detail, "altered") {
		t.Errorf("damage: %+v", d)
	}
}

func TestNumberingThatCannotContinueBeginsANewJournal(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir, segment string, b []byte){
		"when acknowledged records are gone": func(t *testing.T, _, segment string, b []byte) {
			if err := os.Truncate(segment, int64(len(b)/2)); err != nil {
				t.Fatal(err)
			}
		},
		"when the only header is damaged": func(t *testing.T, _, segment string, b []byte) {
			b[10] ^= 1
			if err := os.WriteFile(segment, b, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"when the segment is gone": func(t *testing.T, _, segment string, _ []byte) {
			if err := os.Remove(segment); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			add(t, j, 20)
			if err := j.Acknowledge(20); err != nil {
				t.Fatal(err)
			}
			id := j.ID()
			_ = j.Close()
			segments, _ := filepath.Glob(filepath.Join(dir, "*.journal"))
			b, err := os.ReadFile(segments[0])
			if err != nil {
				t.Fatal(err)
			}
			spoil(t, dir, segments[0], b)
			j = open(t, dir)
			if j.ID() == id || j.Last() != 0 {
				t.Errorf("journal %s goes on with last %d", j.ID(), j.Last())
			}
			if e := add(t, j, 1); e[0].Seq != 1 {
				t.Errorf("the new journal begins at %d", e[0].Seq)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	j := open(f, dir)
	add(f, j, 3)
	_ = j.Close()
	names, _ := filepath.Glob(filepath.Join(dir, "*.journal"))
	b, err := os.ReadFile(names[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, []byte(nil))
	f.Add(b[:len(b)-5], []byte("x"))
	f.Add(b[:40], b)
	f.Add([]byte(nil), []byte("hpjr"))
	f.Fuzz(func(t *testing.T, segment, running []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{"00000000000000000001.journal": segment, "running": running} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		j := open(t, dir)
		last := j.Last()
		if last == 1<<64-1 {
			return // no number is left, which takes a forged header
		}
		add(t, j, 2)
		id, running := j.ID(), j.Running()
		_ = j.Close()
		j = open(t, dir)
		if j.ID() != id || j.Last() != last+2 || !bytes.Equal(j.Running(), running) {
			t.Fatalf("reopened: journal %s last %d, was %s %d", j.ID(), j.Last(), id, last+2)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, burst := range []int{1, 10} {
		b.Run(fmt.Sprintf("burst=%d", burst), func(b *testing.B) {
			j := open(b, b.TempDir())
			for b.Loop() {
				add(b, j, burst)
			}
		})
	}
}
