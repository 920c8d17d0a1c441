package vmtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	vmVar = "HAILPOINT_VM"
	// bootLimit is when the machine is switched off, whatever it does. It takes
	// under a minute on an idle host.
	bootLimit = 8 * time.Minute
)

func TestVM(t *testing.T) {
	if os.Getenv(vmVar) == "" {
		t.Skipf("boots a virtual machine, the first time after building its kernel for ten minutes: set %s=1, or run make test-vm", vmVar)
	}
	kernel, root := part(t, "kernel"), part(t, "root")
	share := t.TempDir()
	build(t, share, "gpio.test", "test", "-c", "hailpoint/device/gpio")
	copyFile(t, "guest.sh", filepath.Join(share, "guest.sh"))
	layOutService(t, share)

	console := boot(t, kernel, root, share)
	t.Cleanup(func() {
		if journal, err := os.ReadFile(filepath.Join(share, "journal.txt")); t.Failed() && err == nil {
			t.Logf("the guest's journal:\n%s", journal)
		}
	})
	results := results(t, share)
	if len(results) == 0 || results[len(results)-1] != "end" {
		t.Fatalf("the guest did not finish: %q\nits console:\n%s", results, console)
	}
	for _, line := range results[:len(results)-1] {
		verdict, name, _ := strings.Cut(line, "ok ")
		t.Run(name, func(t *testing.T) {
			log, err := os.ReadFile(filepath.Join(share, name+".log"))
			if err != nil {
				t.Fatal(err)
			}
			if verdict != "" {
				t.Fatalf("failed in the guest:\n%s", log)
			}
			t.Logf("%s", log)
			if name == "gpio" {
				checkNoneSkipped(t, log)
			}
		})
	}
}

// checkNoneSkipped finds out whether the tests of real pins found some.
func checkNoneSkipped(t *testing.T, log []byte) {
	t.Helper()
	passed := regexp.MustCompile(`(?m)^--- PASS: TestLab`).FindAll(log, -1)
	skipped := regexp.MustCompile(`(?m)^--- SKIP: TestLab\w*`).FindAll(log, -1)
	if len(passed) == 0 || len(skipped) > 0 {
		t.Errorf("%d tests on simulated pins passed; skipped: %q", len(passed), skipped)
	}
}

// part builds a part of the machine, or finds it in the cache, and returns its
// path.
func part(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "./lab", name)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, t.Output()
	if err := cmd.Run(); err != nil {
		t.Fatalf("build the machine's %s: %v (run systemd/vmtest/lab deps as root for what it needs)", name, err)
	}
	return strings.TrimSpace(out.String())
}

// build compiles a program without cgo into the share.
func build(t *testing.T, share, name string, args ...string) {
	t.Helper()
	args = append(args[:len(args)-1:len(args)-1], "-o", filepath.Join(share, name), args[len(args)-1])
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

// boot runs the machine until it switches itself off and returns what it wrote
// to its console.
func boot(t *testing.T, kernel, root, share string) (console string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootLimit)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64",
		"-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "768",
		"-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
		"-kernel", kernel,
		"-drive", fmt.Sprintf("file=%s,if=none,id=d0,format=raw,snapshot=on", root), "-device", "virtio-blk-pci,drive=d0",
		"-fsdev", fmt.Sprintf("local,id=f0,path=%s,security_model=none", share), "-device", "virtio-9p-pci,fsdev=f0,mount_tag=share",
		"-device", "virtio-rng-pci",
		"-append", "console=ttyS0 root=/dev/vda rw rootfstype=ext4 init=/lib/systemd/systemd panic=-1 quiet loglevel=3 "+
			"systemd.show_status=0 net.ifnames=0 mitigations=off "+
			// one substream: a second opener must be told that the card is in use
			"snd_aloop.index=0 snd_aloop.pcm_substreams=1 snd_dummy.index=1 lab.run")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	// A test that is killed takes its machine along. Linux watches the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	err := cmd.Run()
	t.Logf("the machine ran for %v", time.Since(began).Round(time.Second))
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it was switched off after %v: %w", bootLimit, err)
		}
		t.Fatalf("run the machine: %v\nits console:\n%s", err, out.String())
	}
	return out.String()
}

// results returns the lines that the guest wrote.
func results(t *testing.T, share string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(share, "results"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
