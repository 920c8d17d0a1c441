package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

const suffix = ".journal"

// load reads all segments, repairs a torn tail and opens the last segment for
// writing. It begins a new journal where there is none to go on with.
func (j *Journal) load() error {
	names, err := filepath.Glob(filepath.Join(j.dir, "*"+suffix))
	if err != nil {
		return fmt.Errorf("list the journal: %w", err)
	}
	slices.Sort(names)
	if names, err = j.dropUnborn(names); err != nil {
		return err
	}
	for i, name := range names {
		if err := j.loadSegment(name, i == len(names)-1); err != nil {
			return err
		}
	}
	if j.acks, err = os.OpenFile(filepath.Join(j.dir, "acknowledged"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	acknowledged := j.loadAcknowledged()
	switch {
	case j.known && acknowledged <= j.last:
		j.acknowledged = acknowledged
		s := j.segments[len(j.segments)-1]
		if j.active, err = os.OpenFile(filepath.Join(j.dir, s.name), os.O_RDWR, 0o600); err != nil {
			return fmt.Errorf("open the journal: %w", err)
		}
		return nil
	case len(names) > 0:
		// Numbers beyond what can be read were given out: going on could give
		// one out twice (the outside contract, section 4).
		j.damage = append(j.damage, Damage{
			File: filepath.Base(names[len(names)-1]), Detail: "the last number given out is not known; a new journal begins",
		})
		for _, name := range names {
			if err := os.Rename(name, name+".damaged"); err != nil {
				return fmt.Errorf("put a damaged journal aside: %w", err)
			}
		}
	}
	return j.create()
}

// dropUnborn removes a last segment that was not even begun when the power
// went: Append never wrote to it.
func (j *Journal) dropUnborn(names []string) ([]string, error) {
	if len(names) == 0 {
		return names, nil
	}
	last := names[len(names)-1]
	info, err := os.Stat(last)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	if info.Size() > segmentHead {
		return names, nil
	}
	b, err := os.ReadFile(last)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	if _, ok := parseHeader(b); ok {
		return names, nil
	}
	if err := os.Remove(last); err != nil {
		return nil, fmt.Errorf("remove an unfinished journal segment: %w", err)
	}
	return names[:len(names)-1], nil
}

// loadSegment reads one segment and joins it to those before.
func (j *Journal) loadSegment(path string, isLast bool) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read journal segment: %w", err)
	}
	s := segment{name: filepath.Base(path), size: int64(len(b))}
	wrong := func(first, last uint64, detail string) {
		j.damage = append(j.damage, Damage{File: s.name, Detail: detail, First: first, Last: last})
	}
	h, ok := parseHeader(b)
	switch {
	case !ok:
		wrong(0, 0, "the segment's header is damaged")
	case len(j.segments) == 0:
		j.id, j.last, j.sum, j.known = h.id, h.first-1, h.prev, true
	case j.id != h.id:
		wrong(0, 0, "the segment belongs to another journal and is ignored")
		return nil
	}
	recs, gaps := scan(b)
	if n := len(gaps); n > 0 && isLast && gaps[n-1].end == len(b) {
		torn := gaps[n-1]
		if err := os.Truncate(path, int64(torn.off)); err != nil {
			return fmt.Errorf("cut off an unfinished record: %w", err)
		}
		wrong(0, 0, fmt.Sprintf("an unfinished record was cut off: %d bytes at %d", torn.end-torn.off, torn.off))
		s.size, gaps = int64(torn.off), gaps[:n-1]
	}
	for _, g := range gaps {
		wrong(0, 0, fmt.Sprintf("%d bytes at %d are not a record", g.end-g.off, g.off))
	}
	if !ok && len(recs) == 0 {
		j.known = false // there may have been records here, and their numbers are taken
	}
	s.first = h.first
	if !ok && len(recs) > 0 {
		s.first = recs[0].seq
	}
	for _, r := range recs {
		switch {
		case r.seq <= j.last:
			wrong(0, 0, fmt.Sprintf("record %d comes again and is ignored", r.seq))
			continue
		case r.seq > j.last+1:
			wrong(j.last+1, r.seq-1, fmt.Sprintf("records %d to %d are missing", j.last+1, r.seq-1))
		case r.prev != j.sum:
			wrong(0, 0, fmt.Sprintf("record %d does not follow from the one before: that was altered", r.seq))
		}
		s.recs = append(s.recs, place{r.seq, int64(r.off) + recordHead, int64(r.end)})
		j.last, j.sum = r.seq, r.sum
		j.known = j.id != uuid.Nil
	}
	j.segments = append(j.segments, s)
	return nil
}

// create begins a new journal.
func (j *Journal) create() error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make a journal id: %w", err)
	}
	j.id, j.segments, j.last, j.sum, j.acknowledged = id, nil, 0, hash{}, 0
	return j.begin(1)
}

// begin starts a segment for records from first on. writing is held, or nobody
// else has the journal yet.
func (j *Journal) begin(first uint64) error {
	name := fmt.Sprintf("%020d%s", first, suffix)
	f, err := os.OpenFile(filepath.Join(j.dir, name), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err == nil {
		_, err = f.Write(header{j.id, first, j.sum}.encode())
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = syncDir(j.dir)
	}
	if err != nil {
		if f != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
		return fmt.Errorf("begin journal segment %s: %w (check the disk and the space on it)", name, err)
	}
	if j.active != nil {
		err = j.active.Close()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active = f
	j.segments = append(j.segments, segment{name: name, first: first, size: segmentHead})
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) {
		return nil // some file systems have no such thing
	}
	return err
}

// Acknowledged is the number up to which everything was delivered.
func (j *Journal) Acknowledged() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.acknowledged
}

// Acknowledge notes that all records up to seq were delivered. The note is
// written but not synced: losing it means repeats, which receivers drop. A seq
// that is not above Acknowledged changes nothing; one above Last is an error.
func (j *Journal) Acknowledge(seq uint64) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	if seq > j.last {
		defer j.mu.Unlock()
		return fmt.Errorf("acknowledge record %d: the last is %d", seq, j.last)
	}
	if seq <= j.acknowledged || j.closed {
		defer j.mu.Unlock()
		return nil
	}
	j.acknowledged = seq
	j.mu.Unlock()
	b := binary.BigEndian.AppendUint64(bytes.Clone(j.id[:]), seq)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := j.acks.WriteAt(b, 0); err != nil {
		return fmt.Errorf("note that record %d was delivered: %w", seq, err)
	}
	return nil
}

// loadAcknowledged reads the note; one that is torn or another journal's
// counts as none.
func (j *Journal) loadAcknowledged() uint64 {
	b := make([]byte, 28)
	if _, err := j.acks.ReadAt(b, 0); err != nil ||
		crc32.Checksum(b[:24], castagnoli) != binary.BigEndian.Uint32(b[24:]) || !bytes.Equal(b[:16], j.id[:]) {
		return 0
	}
	return binary.BigEndian.Uint64(b[16:])
}

// SetRunning leaves b, at most MaxMark bytes, to be found by the next process
// if this one dies; nil takes it away. It is written in place, in one of two
// slots, and synced, but not more than about once a second: call it as often as what it
// says changes.
func (j *Journal) SetRunning(b []byte) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.closed {
		return ErrClosed
	}
	return j.mark.set(b)
}

// Running is what SetRunning left, or nil.
func (j *Journal) Running() []byte {
	j.writing.Lock()
	defer j.writing.Unlock()
	return j.mark.get()
}
