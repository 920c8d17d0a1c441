package vmtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// installVar names the variable that gives a directory with the terminal
// installed in it, e.g. an unpacked package. Without it the source is built
// and installed by make.
const installVar = "HAILPOINT_VM_INSTALL"

// layOutService installs the terminal into the share, where service.sh finds it.
func layOutService(t *testing.T, share string) {
	t.Helper()
	copyFile(t, "service.sh", filepath.Join(share, "service.sh"))
	to := filepath.Join(share, "install")
	cmd := exec.CommandContext(t.Context(), "make", "-C", "../..", "build", "install", "DESTDIR="+to)
	if from := os.Getenv(installVar); from != "" {
		cmd = exec.CommandContext(t.Context(), "cp", "-a", from, to)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("install the terminal: %v\n%s", err, out)
	}
}
