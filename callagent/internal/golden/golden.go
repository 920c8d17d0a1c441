// Package golden compares what tests make with files in which the bytes are the
// contract.
package golden

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// File compares got, with a line feed at its end, with a file. UPDATE_GOLDEN=1
// in the environment rewrites it: read the difference before it is committed.
func File(t *testing.T, file string, got []byte) {
	t.Helper()
	text := string(got)
	if text == "" || text[len(text)-1] != '\n' {
		text += "\n"
	}
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
