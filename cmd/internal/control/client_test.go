package control_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"hailpoint/cmd/internal/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// abandoned leaves a socket that nobody answers, as a killed terminal does.
func abandoned(t *testing.T, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: file, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestATerminalThatDoesNotAnswerSaysWhatToTry(t *testing.T) {
	const silent = "no terminal answers at FILE (WHY): is it running? systemctl status hailpoint (or name its socket with --socket)"
	for name, tt := range map[string]struct {
		file, why, want string
		rooted          bool // root may use it
	}{
		"no socket":           {filepath.Join(t.TempDir(), "s"), "no such file or directory", silent, false},
		"an abandoned socket": {abandoned(t, 0o600), "connection refused", silent, false},
		"another's socket": {
			abandoned(t, 0), "permission denied",
			"this user may not use FILE (WHY): be root or a member of group hailpoint", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.rooted && os.Getuid() == 0 {
				t.Skip("root may use every socket")
			}
			c := control.NewClient(tt.file)
			defer c.Close()
			_, err := c.Status(t.Context())
			want := strings.NewReplacer("FILE", tt.file, "WHY", tt.why).Replace(tt.want)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}
