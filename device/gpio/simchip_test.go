package gpio_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// labVar names the variable that lets the tests make GPIO chips with the
// kernel's gpio-sim. That needs root and CONFIG_GPIO_SIM, which systemd/vmtest
// brings along.
const labVar = "HAILPOINT_GPIO_SIM"

// simChip is a chip of gpio-sim whose lines the test pulls and reads from
// outside.
type simChip struct {
	config string   // its directory in configfs
	sysfs  string   // its directory in sysfs
	dev    string   // its device file
	lines  []string // names by offset
}

// The chips of the lab. They must be there before the driver starts.
var bench1, bench2 simChip

// alias is a second name of a chip, as on a Raspberry Pi.
const alias = "/dev/gpiochip99"

func buildLab() (remove func() error, err error) {
	bench1 = simChip{lines: []string{"BTN_CALL", "BTN_MUTE", "LED_RING", "LED_LOW", "HOGGED", "TWIN", "TWIN", "BTN_BIAS", "BTN_LATE", "BTN_STDIN", "BTN_DOWN", "_"}}
	bench2 = simChip{lines: []string{"BTN_GONE", "LED_GONE"}}
	if err := bench1.create("hailpoint-1", "HOGGED"); err != nil {
		return nil, err
	}
	if err := bench2.create("hailpoint-2", ""); err != nil {
		return nil, err
	}
	_ = os.Remove(alias)
	if err := os.Symlink(bench1.dev, alias); err != nil {
		return nil, err
	}
	return func() error {
		return errors.Join(os.Remove(alias), bench1.destroy(), bench2.destroy())
	}, nil
}

func (c *simChip) create(name, hogged string) error {
	c.config = filepath.Join("/sys/kernel/config/gpio-sim", name)
	if _, err := os.Stat(c.config); err == nil { // a run that crashed left it
		if err := c.destroy(); err != nil {
			return fmt.Errorf("remove the simulated GPIO chip of an earlier run: %w", err)
		}
	}
	bank := filepath.Join(c.config, "bank0")
	if err := os.MkdirAll(bank, 0o755); err != nil {
		return fmt.Errorf("make a simulated GPIO chip: %w (needs root, configfs and CONFIG_GPIO_SIM)", err)
	}
	put := func(value string, path ...string) error {
		return os.WriteFile(filepath.Join(path...), []byte(value), 0o644)
	}
	errs := []error{put(fmt.Sprint(len(c.lines)), bank, "num_lines"), put(name, bank, "label")}
	for n, line := range c.lines {
		dir := filepath.Join(bank, fmt.Sprintf("line%d", n))
		errs = append(errs, os.Mkdir(dir, 0o755), put(line, dir, "name"))
		if line == hogged && hogged != "" {
			hog := filepath.Join(dir, "hog")
			errs = append(errs, os.Mkdir(hog, 0o755), put("the-kernel", hog, "name"), put("input", hog, "direction"))
		}
	}
	errs = append(errs, put("1", c.config, "live"))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("make a simulated GPIO chip: %w", err)
	}
	dev, err := os.ReadFile(filepath.Join(c.config, "dev_name"))
	if err != nil {
		return err
	}
	chip, err := os.ReadFile(filepath.Join(bank, "chip_name"))
	if err != nil {
		return err
	}
	c.sysfs = filepath.Join("/sys/devices/platform", strings.TrimSpace(string(dev)), strings.TrimSpace(string(chip)))
	c.dev = filepath.Join("/dev", strings.TrimSpace(string(chip)))
	return nil
}

// unplug removes the chip while its lines are in use.
func (c *simChip) unplug() error {
	return os.WriteFile(filepath.Join(c.config, "live"), []byte("0"), 0o644)
}

// destroy removes the chip and its configuration.
func (c *simChip) destroy() error {
	if err := c.unplug(); err != nil && !errors.Is(err, syscall.EPERM) { // unplugged before
		return err
	}
	var dirs []string
	err := filepath.WalkDir(c.config, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	for _, dir := range slices.Backward(dirs) { // inner ones first
		err = errors.Join(err, os.Remove(dir))
	}
	return err
}

func (c *simChip) attribute(tb testing.TB, line, attribute string) string {
	tb.Helper()
	for n, name := range c.lines {
		if name == line {
			return filepath.Join(c.sysfs, fmt.Sprintf("sim_gpio%d", n), attribute)
		}
	}
	tb.Fatalf("the lab has no line %q", line)
	return ""
}

// pull connects the line from outside: high or low.
func (c *simChip) pull(tb testing.TB, line string, high bool) {
	tb.Helper()
	way := "pull-down"
	if high {
		way = "pull-up"
	}
	if err := os.WriteFile(c.attribute(tb, line, "pull"), []byte(way), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// read returns an attribute of the line: "value" or "pull".
func (c *simChip) read(tb testing.TB, line, attribute string) string {
	tb.Helper()
	text, err := os.ReadFile(c.attribute(tb, line, attribute))
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
