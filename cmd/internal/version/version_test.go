package version_test

import (
	"runtime"
	"strings"
	"testing"

	"hailpoint/cmd/internal/version"
)

func TestFullNamesTheBuild(t *testing.T) {
	full := version.Full()
	for _, want := range []string{version.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH} {
		if want == "" || !strings.Contains(full, want) {
			t.Errorf("Full() = %q, which lacks %q", full, want)
		}
	}
	if strings.Contains(full, "\n") {
		t.Errorf("Full() = %q, want one line", full)
	}
}
