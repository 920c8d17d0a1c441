// Package vmtest has no code, only tests: they boot a virtual machine with a
// kernel that has simulated GPIO chips and a loopback sound card, under
// systemd, and try there what no other machine can show: device/gpio on pins of
// the kernel, and the terminal as it is installed.
//
// The tests run only where HAILPOINT_VM=1 is set ("make test-vm" does), on
// amd64 Debian. The script lab builds kernel and root file system once and
// keeps them in the user's cache; "lab deps" installs what that needs.
//
// # How it works
//
// The test lays out a directory, which the guest mounts as /mnt/share: the
// programs to test, and guest.sh, which runs there as root. guest.sh writes one
// line for each check to results, "ok NAME" or "not ok NAME", and at last "end",
// and each check's output to NAME.log. The test waits for the machine to switch
// itself off and turns the lines into subtests. The exit code of the emulator
// says nothing: a machine that never ran guest.sh exits with 0 as well, hence
// the end mark.
//
// # Why
//
// Distribution kernels have no gpio-sim, so the lab builds its own kernel; with
// everything built in it needs neither modules nor an initial RAM disk, boots
// in four seconds, and is the same on every machine. The machine is emulated
// without KVM, which is missing or broken on the machines where tests run; a
// virtual second then varies with the load of the host, so these tests check
// what happens, not how quickly.
package vmtest
