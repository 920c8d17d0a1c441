package gpio

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver/driverreg"
	pgpio "periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// Errors a caller may branch on.
var (
	// ErrNoChip means that this process can open no GPIO chip. Open may be
	// tried again: the chip or the permission may appear later.
	ErrNoChip = errors.New("no usable GPIO chip")
	// ErrNoLine means that no line has the configured name.
	ErrNoLine = errors.New("no such GPIO line")
	// ErrBusy means that a line is in use, by another process or by the kernel.
	ErrBusy = errors.New("GPIO line in use")
)

// loading guards the start of the driver, which happens once in a process.
var loading sync.Mutex

// load starts the driver, if a chip can be opened. The second result says which
// chips cannot be opened, for the log.
func load() (unusable, err error) {
	loading.Lock()
	defer loading.Unlock()
	if len(gpioioctl.Chips) > 0 {
		return nil, nil
	}
	// The driver looks for chips once. Do not waste that on a moment when
	// there are none yet, or when udev has not yet given us the right to them.
	usable, unusable := probe()
	if usable == 0 {
		if unusable != nil {
			return nil, fmt.Errorf("open GPIO chips: %w: %w (add the user to the group that owns them: usermod -aG gpio USER)", ErrNoChip, unusable)
		}
		return nil, fmt.Errorf("open GPIO chips: %w: there is no /dev/gpiochip* (is the chip's driver loaded? use driver = \"sim\" on a machine without pins)", ErrNoChip)
	}
	restore, err := keepStdin()
	if err != nil {
		return unusable, fmt.Errorf("start the GPIO driver: %w", err)
	}
	state, err := driverreg.Init() // and not host.Init: gpioioctl alone
	if err := restore(); err != nil {
		return unusable, fmt.Errorf("put standard input back after the GPIO driver closed it: %w", err)
	}
	if err != nil {
		return unusable, fmt.Errorf("start the GPIO driver: %w (restart the program)", err)
	}
	if len(gpioioctl.Chips) == 0 {
		reasons := []error{ErrNoChip}
		for _, f := range slices.Concat(state.Skipped, state.Failed) {
			reasons = append(reasons, f.Err)
		}
		return unusable, fmt.Errorf("start the GPIO driver: %w (restart the program: the driver looks for chips only once)", errors.Join(reasons...))
	}
	return unusable, nil
}

// probe counts the chips that can be opened and says why the others cannot.
func probe() (usable int, unusable error) {
	paths, err := filepath.Glob("/dev/gpiochip*")
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		usable++
		_ = f.Close()
	}
	return usable, errors.Join(errs...)
}

// keepStdin returns a function that puts descriptor 0 back to what it is now, if
// it has been closed in between.
//
// Where one chip has two names in /dev, the driver closes descriptor 0. That
// is bad twice: the program loses its input, and the next line claimed gets
// descriptor 0, which the driver takes for no descriptor at all.
func keepStdin() (restore func() error, err error) {
	saved, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if errors.Is(err, unix.EBADF) { // it is closed already; anything will do
		saved, err = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("keep standard input: %w", err)
	}
	return func() error {
		if saved == 0 {
			return nil // /dev/null took the free place
		}
		defer func() { _ = unix.Close(saved) }()
		if _, err := unix.FcntlInt(0, unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
			return err
		}
		return unix.Dup3(saved, 0, 0)
	}, nil
}

// Lines returns the names of all lines that have one, sorted. They include
// lines in use. The error is ErrNoChip if there is no chip to ask.
func Lines() ([]string, error) {
	if _, err := load(); err != nil {
		return nil, err
	}
	var names []string
	for _, chip := range gpioioctl.Chips {
		for _, line := range chip.Lines() {
			if named(line.Name()) {
				names = append(names, line.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// named reports whether a line has a name that means something; "_" and "-" are
// used on some boards for pins that lead nowhere.
func named(name string) bool {
	return name != "" && name != "_" && name != "-"
}

// lineSet is what this package needs of a gpioioctl.LineSet of one line.
type lineSet interface {
	// WaitForEdge blocks for at most timeout, which must be positive.
	WaitForEdge(timeout time.Duration) (line int, edge pgpio.Edge, err error)
	Read(mask pgpio.GPIOValue) (pgpio.GPIOValue, error)
	Out(bits, mask pgpio.GPIOValue) error
	Halt() error
	Close() error
}

// theLine is the mask of the only line of a lineSet.
const theLine pgpio.GPIOValue = 1

// claim takes the named line for this process alone, set up in one request.
func claim(name string, dir gpioioctl.LineDir, edge pgpio.Edge, pull pgpio.Pull) (lineSet, error) {
	for _, chip := range gpioioctl.Chips {
		line := chip.ByName(name)
		if line == nil || !named(name) {
			continue
		}
		set, err := chip.LineSet(dir, edge, pull, name)
		switch {
		case err == nil:
			return set, nil
		case strings.Contains(err.Error(), unix.EBUSY.Error()): // the driver drops the error's number
			holder := "another process may hold it"
			if c := line.Consumer(); c != "" {
				holder = fmt.Sprintf("%q held it when this program started", c)
			}
			return nil, fmt.Errorf("%w: %w (%s: run gpioinfo)", ErrBusy, err, holder)
		case strings.Contains(err.Error(), unix.EINVAL.Error()) && pull != pgpio.PullNoChange:
			return nil, fmt.Errorf("%w (the chip may have no resistor to pull with: use pull = \"none\")", err)
		default:
			return nil, err
		}
	}
	return nil, ErrNoLine
}
