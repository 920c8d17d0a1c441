package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// diary collects what happened.
type diary struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (d *diary) add(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// part is a stage that writes down its start and its end.
func (d *diary) part(name string, fail error) stage {
	return stage{name: name, run: func(ctx context.Context) error {
		d.add("+" + name)
		if fail != nil {
			d.add("!" + name)
			return fail
		}
		<-ctx.Done()
		d.add("-" + name)
		return nil
	}}
}

func TestStagesStartAndStopInOrder(t *testing.T) {
	broken := errors.New("broken")
	never := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, tt := range map[string]struct {
		stages func(*diary) []stage
		want   string
		err    error
	}{
		"all work until they are asked to stop": {
			func(d *diary) []stage { return []stage{d.part("a", nil), d.part("b", nil), d.part("c", nil)} },
			"+a +b +c ready stopping -c -b -a", nil,
		},
		"one breaks, and the others stop": {
			func(d *diary) []stage { return []stage{d.part("a", nil), d.part("b", broken), d.part("c", nil)} },
			"!b +a +b +c ready stopping -c -a", broken,
		},
		"one breaks before it works": {
			func(d *diary) []stage {
				b := d.part("b", broken)
				b.up = never
				return []stage{d.part("a", nil), b, d.part("c", nil)}
			},
			"!b +a +b stopping -a", broken,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				d := &diary{}
				ready := func() error {
					synctest.Wait()
					d.add("ready")
					return nil
				}
				err := inOrder(ctx, ready, func() { d.add("stopping") }, tt.stages(d)...)
				if !errors.Is(err, tt.err) || (tt.err == nil && err != nil) {
					t.Errorf("ended with %v, want %v", err, tt.err)
				}
				// Stages start in goroutines of their own: only the stopping has an order.
				at := slices.IndexFunc(d.lines, func(s string) bool { return s == "ready" || s == "stopping" })
				slices.Sort(d.lines[:max(at, 0)])
				if got := strings.Join(d.lines, " "); got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestAStageThatEndsByItselfIsAFault(t *testing.T) {
	err := inOrder(t.Context(), func() error { return nil }, func() {},
		stage{name: "broker", run: func(context.Context) error { return nil }})
	if err == nil || !strings.Contains(err.Error(), "broker") {
		t.Errorf("ended with %v", err)
	}
}
