package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// volumeFile keeps the loudspeaker's volume over restarts. Writing happens in
// Run, so that nobody waits for the disk.
type volumeFile struct {
	file  string
	log   *slog.Logger
	wants chan int // the newest volume that is not written yet
}

func newVolumeFile(dir string, log *slog.Logger) *volumeFile {
	return &volumeFile{file: filepath.Join(dir, "volume"), log: log, wants: make(chan int, 1)}
}

// load returns the kept volume, or first when there is none.
func (v *volumeFile) load(first int) int {
	text, err := os.ReadFile(v.file)
	if errors.Is(err, os.ErrNotExist) {
		return first
	}
	percent := 0
	if err == nil {
		percent, err = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if err == nil && (percent < 0 || percent > 100) {
		err = fmt.Errorf("%d is no percentage", percent)
	}
	if err != nil {
		v.log.Warn("kept volume is of no use", "file", v.file, "error", err)
		return first
	}
	return percent
}

// keep asks for percent to be written.
func (v *volumeFile) keep(percent int) {
	for {
		select {
		case v.wants <- percent:
			return
		default:
		}
		select {
		case <-v.wants: // an older one
		default:
		}
	}
}

// run writes until ctx ends, the last wish included.
func (v *volumeFile) run(ctx context.Context) error {
	for {
		select {
		case p := <-v.wants:
			v.write(p)
		case <-ctx.Done():
			select {
			case p := <-v.wants:
				v.write(p)
			default:
			}
			return nil
		}
	}
}

func (v *volumeFile) write(percent int) {
	temp := v.file + ".new"
	err := os.WriteFile(temp, []byte(strconv.Itoa(percent)+"\n"), 0o600)
	if err == nil {
		err = os.Rename(temp, v.file)
	}
	if err != nil {
		v.log.Error("volume not kept", "error", err)
	}
}
