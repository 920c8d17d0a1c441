package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hailpoint/callagent/event"
	"hailpoint/cmd/hailpoint-fleet/internal/registry"
	"hailpoint/cmd/hailpoint-fleet/internal/store"
)

var now = time.UnixMilli(1_700_000_000_000)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// record makes the event of number seq; change may alter it.
func record(t *testing.T, seq uint64, change ...func(*event.Record)) store.Event {
	t.Helper()
	r := event.Record{
		Journal: "j", Seq: seq, ID: fmt.Sprintf("id-%d", seq), DeviceID: "door", SelfID: "door", BootID: "boot",
		Call: event.Call{CallID: "call", Role: event.Caller}, At: 1000 + int64(seq), Clock: event.Synced, Data: event.RoomJoined{},
	}
	for _, f := range change {
		f(&r)
	}
	raw, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	e, err := registry.ParseEntry(r.DeviceID, raw)
	if err != nil {
		t.Fatal(err)
	}
	return store.Event{Entry: e, Raw: raw}
}

func save(t *testing.T, s *store.Store, events ...store.Event) store.Saved {
	t.Helper()
	saved, err := s.Save(t.Context(), now, store.Batch{Events: events})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func TestOnlyWhatIsStoredWithoutAGapIsAcknowledged(t *testing.T) {
	for name, tt := range map[string]struct {
		batches [][]uint64
		want    uint64
	}{
		"from the first on":                           {[][]uint64{{1, 2, 3}}, 3},
		"in several batches":                          {[][]uint64{{1}, {2, 3}, {4}}, 4},
		"a gap holds it back":                         {[][]uint64{{1, 2, 4, 5}}, 2},
		"until it is filled":                          {[][]uint64{{1, 2, 4, 5}, {3}}, 5},
		"in whatever order they come":                 {[][]uint64{{3, 1}, {2}}, 3},
		"repeats change nothing":                      {[][]uint64{{1, 2}, {1, 2}, {2}}, 2},
		"a journal that begins late is not proven":    {[][]uint64{{50, 51, 52}}, 0},
		"its oldest again proves it":                  {[][]uint64{{50, 51, 52}, {50}}, 52},
		"any other again does not":                    {[][]uint64{{50, 51, 52}, {51}}, 0},
		"an older one shows that there was more":      {[][]uint64{{50, 51}, {49}}, 0},
		"and then its repeat proves it":               {[][]uint64{{50, 51}, {49}, {49, 50, 51}}, 51},
		"with a gap between, up to the gap":           {[][]uint64{{50, 51}, {40}, {40}}, 40},
		"down to the first there is nothing to prove": {[][]uint64{{2, 3}, {1}}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			var got uint64
			for _, batch := range tt.batches {
				var events []store.Event
				for _, seq := range batch {
					events = append(events, record(t, seq))
				}
				got = save(t, s, events...).Journals[0].Acknowledgeable()
			}
			if got != tt.want {
				t.Errorf("%d may be acknowledged, want %d", got, tt.want)
			}
		})
	}
}

func TestJournalsAreApart(t *testing.T) {
	s := open(t, t.TempDir())
	saved := save(t, s, record(t, 1), record(t, 1, func(r *event.Record) { r.ID, r.Journal = "k", "k" }),
		record(t, 1, func(r *event.Record) { r.ID, r.DeviceID = "d", "desk" }), record(t, 2))
	want := []store.Journal{
		{Device: "door", Journal: "j", Base: 1, Proven: true, Stored: 2, Highest: 2},
		{Device: "door", Journal: "k", Base: 1, Proven: true, Stored: 1, Highest: 1},
		{Device: "desk", Journal: "j", Base: 1, Proven: true, Stored: 1, Highest: 1},
	}
	if diff := cmp.Diff(want, saved.Journals); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRepeatsAreDroppedAndNumbersThatComeTwiceAreKeptApart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if saved := save(t, s, record(t, 1), record(t, 2)); saved.Fresh != 2 || len(saved.Calls) != 1 {
		t.Errorf("first: %+v", saved)
	}
	if saved := save(t, s, record(t, 1), record(t, 2)); saved.Repeats != 2 || saved.Fresh != 0 || saved.Calls != nil {
		t.Errorf("again: %+v", saved)
	}
	other := record(t, 2, func(r *event.Record) { r.ID = "set-back" })
	if saved := save(t, s, other, other); saved.Disputed != 2 || saved.Fresh != 0 {
		t.Errorf("a used number: %+v", saved)
	}
	stolen := record(t, 7, func(r *event.Record) { r.ID, r.DeviceID = "id-1", "desk" })
	if saved := save(t, s, stolen); saved.Disputed != 1 {
		t.Errorf("a used id: %+v", saved)
	}
	_, entries, err := s.Call(t.Context(), "call")
	if err != nil || len(entries) != 2 || entries[1].ID != "id-2" {
		t.Errorf("the call has %+v, %v", entries, err)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, store.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only read
	var raw []byte
	if err := db.QueryRowContext(t.Context(), "SELECT raw FROM disputed WHERE id = 'set-back'").Scan(&raw); err != nil || string(raw) != string(other.Raw) {
		t.Errorf("disputed: %s, %v", raw, err)
	}
	if err := db.QueryRowContext(t.Context(), "SELECT raw FROM events WHERE id = 'id-1'").Scan(&raw); err != nil || string(raw) != string(record(t, 1).Raw) {
		t.Errorf("stored: %s, want the bytes as published (%v)", raw, err)
	}
}

func TestEventsAreDatedWhenTheClockIsSet(t *testing.T) {
	s := open(t, t.TempDir())
	early := func(uptime int64) func(*event.Record) {
		return func(r *event.Record) { r.Clock, r.At, r.UptimeMs = event.Unsynced, 5, uptime }
	}
	save(t, s, record(t, 1, early(10_000)), record(t, 2, early(12_500)))
	if c, _, err := s.Call(t.Context(), "call"); err != nil || c.BeganAt != 5 {
		t.Errorf("before: %+v, %v", c, err)
	}
	other := record(t, 1, early(10_000), func(r *event.Record) { r.ID, r.DeviceID, r.CallID = "o", "desk", "other" })
	save(t, s, other, record(t, 3, func(r *event.Record) {
		r.CallID, r.Data = "", event.ClockSynced{UptimeMs: 20_000, At: 1_700_000_020_000}
	}))
	c, entries, err := s.Call(t.Context(), "call")
	if err != nil || c.BeganAt != 1_700_000_010_000 || entries[1].At != 1_700_000_012_500 || !entries[1].Dated {
		t.Errorf("after: %+v, %+v, %v", c, entries, err)
	}
	if c, _, err := s.Call(t.Context(), "other"); err != nil || c.BeganAt != 5 {
		t.Errorf("another terminal's: %+v, %v", c, err)
	}
	calls, err := s.Calls(t.Context(), 10, 0)
	if err != nil || len(calls) != 2 || calls[0].ID != "call" {
		t.Errorf("calls: %+v, %v", calls, err)
	}
}

func TestCallsAreListedNewestFirst(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range uint64(5) {
		save(t, s, record(t, i+1, func(r *event.Record) { r.CallID, r.At = fmt.Sprintf("c%d", i), int64(1000*i+1000) }))
	}
	for name, tt := range map[string]struct {
		limit  int
		before int64
		want   string
	}{
		"all":           {100, 0, "c4 c3 c2 c1 c0"},
		"some":          {2, 0, "c4 c3"},
		"the next ones": {2, 4000, "c2 c1"},
		"none":          {0, 0, ""},
	} {
		calls, err := s.Calls(t.Context(), tt.limit, tt.before)
		var got []string
		for _, c := range calls {
			got = append(got, c.ID)
		}
		if strings.Join(got, " ") != tt.want || err != nil {
			t.Errorf("%s: %v, %v; want %s", name, got, err, tt.want)
		}
	}
	if _, _, err := s.Call(t.Context(), "none"); !errors.Is(err, store.ErrNoCall) {
		t.Errorf("an unknown call: %v", err)
	}
	if _, _, err := s.Call(t.Context(), ""); !errors.Is(err, store.ErrNoCall) {
		t.Errorf("no call: %v", err)
	}
}

func TestVocabularyRecordsAreStoredOnce(t *testing.T) {
	s := open(t, t.TempDir())
	save(t, s, record(t, 1), record(t, 2))
	made := func(id string, n int) store.Translation {
		raw := fmt.Sprintf(`{"v":1,"system":"wmpf","name":"e","id":%q,"n":%d,"device_id":"door"}`, id, n)
		tr, err := registry.ParseTranslation("door", "wmpf", []byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		return store.Translation{Device: "door", Translation: tr, Raw: []byte(raw)}
	}
	batch := store.Batch{Translations: []store.Translation{made("id-2", 0), made("id-1", 1), made("id-1", 0)}}
	for i, want := range []store.Saved{{Fresh: 3}, {Repeats: 3}} {
		saved, err := s.Save(t.Context(), now, batch)
		if diff := cmp.Diff(want, saved); diff != "" || err != nil {
			t.Errorf("save %d: %v (-want +got):\n%s", i, err, diff)
		}
	}
	all, err := s.Translations(t.Context(), "door", "call", "wmpf")
	if err != nil || len(all) != 3 || string(all[0]) != string(made("id-1", 0).Raw) || string(all[2]) != string(made("id-2", 0).Raw) {
		t.Errorf("%s, %v", all, err)
	}
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, record(t, 1), record(t, 2))
	if err := s.SetCredential(t.Context(), now, store.Terminal, "door", "h"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetSetting(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if got := save(t, s, record(t, 3)).Journals[0].Acknowledgeable(); got != 3 {
		t.Errorf("%d may be acknowledged, want 3", got)
	}
	if h, err := s.Credential(t.Context(), store.Terminal, "door"); h != "h" || err != nil {
		t.Errorf("credential %q, %v", h, err)
	}
	if v, err := s.Setting(t.Context(), "k"); v != "v" || err != nil {
		t.Errorf("setting %q, %v", v, err)
	}
	info, err := os.Stat(filepath.Join(dir, store.File))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want it for its owner alone", info.Mode(), err)
	}
}

func TestADatabaseOfALaterVersionIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, store.File))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), dir); !errors.Is(err, store.ErrTooNew) {
		t.Errorf("opened with %v", err)
	}
}

func TestSessionsEndInTimeAndWithTheirOperator(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	if err := s.SetCredential(ctx, now, store.Operator, "admin", "h"); err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{"a", "b"} {
		if err := s.AddSession(ctx, now, hash, "admin", now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if who, err := s.Session(ctx, now, "a"); who != "admin" || err != nil {
		t.Errorf("%q, %v", who, err)
	}
	if _, err := s.Session(ctx, now.Add(time.Hour), "a"); !errors.Is(err, store.ErrNoCredential) {
		t.Errorf("after its end: %v", err)
	}
	if err := s.RemoveCredential(ctx, store.Operator, "admin"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(ctx, now, "b"); !errors.Is(err, store.ErrNoCredential) {
		t.Errorf("without its operator: %v", err)
	}
	if err := s.RemoveCredential(ctx, store.Operator, "admin"); !errors.Is(err, store.ErrNoCredential) {
		t.Errorf("removed twice: %v", err)
	}
}
