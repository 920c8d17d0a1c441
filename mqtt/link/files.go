package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// maxBoots is how many earlier boot ids are remembered. A status that the
// broker still retains from a run before these is taken for a stranger's.
const maxBoots = 64

// noteBoot adds id to the boot ids kept in file and returns them all. A file
// that cannot be read counts as empty.
func noteBoot(file, id string) ([]string, error) {
	var boots []string
	b, err := os.ReadFile(file)
	if err == nil {
		_ = json.Unmarshal(b, &boots) // damaged: begin again
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the earlier boot ids: %w", err)
	}
	boots = append(slices.DeleteFunc(boots, func(s string) bool { return s == id }), id)
	boots = boots[max(0, len(boots)-maxBoots):]
	if b, err = json.Marshal(boots); err != nil {
		return nil, fmt.Errorf("encode the boot ids: %w", err)
	}
	if err := replace(file, b); err != nil {
		return nil, fmt.Errorf("keep the boot ids: %w", err)
	}
	return boots, nil
}

// replace writes b to file so that after a power cut there is the old file or
// the new one, whole.
func replace(file string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
