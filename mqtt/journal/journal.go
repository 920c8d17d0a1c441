package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// segmentBytes is the size at which a new segment is begun.
const segmentBytes = 256 << 10

// ErrClosed says that the journal was closed.
var ErrClosed = errors.New("the journal is closed")

// Entry is one record: the bytes as published.
type Entry struct {
	Seq  uint64
	Data []byte
}

// Build makes the bytes of one record, given its number and the hash of the
// record before it in hex (64 zeros for the first).
type Build func(seq uint64, prev string) ([]byte, error)

// Damage is something wrong that Open found.
type Damage struct {
	File   string // base name of the segment
	Detail string
	// First and Last are the numbers of the records that cannot be read, if any:
	// 0 where none is missing.
	First, Last uint64
}

// Journal is an open journal. Its methods may be called from any goroutine.
type Journal struct {
	dir  string
	id   uuid.UUID
	lock *os.File

	writing sync.Mutex // held while files change; taken before mu
	active  *os.File   // the last segment
	acks    *os.File
	mark    *mark

	mu           sync.RWMutex // guards the fields below
	segments     []segment    // in order; never empty
	last         uint64
	sum          hash // of the record last
	acknowledged uint64
	known        bool // last and sum are certain
	damage       []Damage
	closed       bool
}

// segment is one file and where the records in it are.
type segment struct {
	name  string
	first uint64 // by its header
	size  int64
	recs  []place
}

// place is where a record's bytes stand in its segment.
type place struct {
	seq      uint64
	off, end int64
}

// Open opens the journal in dir, making both if need be. It takes a time
// proportional to what is stored. An error means that the directory or a file
// cannot be used; damaged contents are no error: see Damage.
func Open(dir string) (_ *Journal, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the journal directory: %w", err)
	}
	j := &Journal{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, j.release())
		}
	}()
	if j.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("open the journal's lock: %w", err)
	}
	if err := unix.Flock(int(j.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("lock the journal in %s: %w (is another hailpoint running with this state_dir?)", dir, err)
	}
	if err := j.load(); err != nil {
		return nil, err
	}
	if j.mark, err = openMark(filepath.Join(dir, "running")); err != nil {
		return nil, err
	}
	return j, nil
}

// ID is the journal's id, a UUIDv7.
func (j *Journal) ID() string { return j.id.String() }

// Last is the number of the last record, 0 before the first.
func (j *Journal) Last() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.last
}

// First is the number of the first record still kept, Last()+1 if there is none.
func (j *Journal) First() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	for _, s := range j.segments {
		if len(s.recs) > 0 {
			return s.recs[0].seq
		}
	}
	return j.last + 1
}

// Damage is what Open found wrong, in order; nothing, as a rule.
func (j *Journal) Damage() []Damage {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return append([]Damage(nil), j.damage...)
}

// Append numbers, chains, writes and syncs the records that builds make, with
// one write and one sync for all. When it returns nil, they are on disk; after
// an error none of them counts, and their numbers will be given again.
func (j *Journal) Append(builds ...Build) ([]Entry, error) {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.closed {
		return nil, ErrClosed
	}
	if len(builds) == 0 {
		return nil, nil
	}
	if j.segments[len(j.segments)-1].size >= segmentBytes {
		if err := j.begin(j.last + 1); err != nil {
			return nil, err
		}
	}
	s := j.segments[len(j.segments)-1]
	var b []byte
	entries, places := make([]Entry, 0, len(builds)), make([]place, 0, len(builds))
	seq, sum := j.last, j.sum
	for _, build := range builds {
		seq++
		data, err := build(seq, hex.EncodeToString(sum[:]))
		if err != nil {
			return nil, fmt.Errorf("make record %d: %w", seq, err)
		}
		if len(data) > MaxRecord {
			return nil, fmt.Errorf("make record %d: it has %d bytes, more than the %d allowed", seq, len(data), MaxRecord)
		}
		off := s.size + int64(len(b))
		b = appendRecord(b, seq, sum, data)
		sum = sha256.Sum256(data)
		entries = append(entries, Entry{seq, data})
		places = append(places, place{seq, off + recordHead, s.size + int64(len(b))})
	}
	_, err := j.active.WriteAt(b, s.size)
	if err == nil {
		err = unix.Fdatasync(int(j.active.Fd()))
	}
	if err != nil {
		err = fmt.Errorf("write record %d of journal %s: %w (check the disk and the space on it)", j.last+1, j.dir, err)
		// What was written in part must not be found at the next start.
		return nil, errors.Join(err, j.active.Truncate(s.size))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	active := &j.segments[len(j.segments)-1]
	active.size += int64(len(b))
	active.recs = append(active.recs, places...)
	j.last, j.sum = seq, sum
	return entries, nil
}

// Read returns kept records from number from on, oldest first, at most limit. It
// returns none past the end. Numbers are missing only where there is Damage.
func (j *Journal) Read(from uint64, limit int) ([]Entry, error) {
	type part struct {
		name string
		recs []place
	}
	var parts []part
	j.mu.RLock()
	for _, s := range j.segments {
		if limit <= 0 {
			break
		}
		if len(s.recs) == 0 || s.recs[len(s.recs)-1].seq < from {
			continue
		}
		i := 0
		for s.recs[i].seq < from {
			i++
		}
		recs := s.recs[i:min(len(s.recs), i+limit)]
		limit -= len(recs)
		parts = append(parts, part{s.name, recs})
	}
	j.mu.RUnlock()
	var entries []Entry
	for _, p := range parts {
		more, err := j.read(p.name, p.recs)
		if errors.Is(err, fs.ErrNotExist) {
			continue // let go of by Keep meanwhile
		}
		if err != nil {
			return entries, err
		}
		entries = append(entries, more...)
	}
	return entries, nil
}

func (j *Journal) read(name string, recs []place) ([]Entry, error) {
	f, err := os.Open(filepath.Join(j.dir, name))
	if err != nil {
		return nil, fmt.Errorf("read journal segment: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	entries := make([]Entry, 0, len(recs))
	for _, r := range recs {
		data := make([]byte, r.end-r.off)
		if _, err := f.ReadAt(data, r.off); err != nil {
			return entries, fmt.Errorf("read record %d of journal segment %s: %w", r.seq, name, err)
		}
		entries = append(entries, Entry{r.seq, data})
	}
	return entries, nil
}

// Keep removes the segments that hold only records below from. The last
// segment stays: the next number and hash follow from it.
func (j *Journal) Keep(from uint64) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.closed {
		return ErrClosed
	}
	n := 0
	for n < len(j.segments)-1 && j.segments[n+1].first <= from {
		n++
	}
	if n == 0 {
		return nil
	}
	j.mu.Lock()
	gone := j.segments[:n]
	j.segments = append([]segment(nil), j.segments[n:]...)
	j.mu.Unlock()
	var errs []error
	for _, s := range gone { // oldest first: what is left never has a gap
		if err := os.Remove(filepath.Join(j.dir, s.name)); err != nil {
			errs = append(errs, fmt.Errorf("remove delivered journal segment: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Close closes the files. Everything that Append took is on disk already.
func (j *Journal) Close() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	return j.release()
}

func (j *Journal) release() error {
	var errs []error
	if j.mark != nil {
		errs = append(errs, j.mark.close())
	}
	for _, f := range []*os.File{j.acks, j.active, j.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
