package main

import (
	"context"
	"errors"
	"fmt"
)

// stage is a part of the service that stands on those before it.
type stage struct {
	name string
	run  func(context.Context) error // works until its context ends
	// up, if not nil, waits until the part works.
	up func(context.Context) error
}

// running is a stage at work.
type running struct {
	stage
	cancel context.CancelFunc
	done   chan struct{} // closed when run has returned
	err    error         // what it returned; set before done is closed
}

// wait waits until the stage works, or has ended.
func (r *running) wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-r.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := r.up(ctx)
	cancel()
	<-over
	return err
}

// inOrder starts the stages one after another, calls ready, and works until
// ctx ends or one of them does. Then it calls stopping and stops them in the opposite order, each
// only when those that stand on it have stopped. It returns what went wrong.
func inOrder(ctx context.Context, ready func() error, stopping func(), stages ...stage) error {
	ended := make(chan struct{}, len(stages))
	var up []*running
	err := func() error {
		for _, s := range stages {
			own, cancel := context.WithCancel(context.WithoutCancel(ctx))
			r := &running{stage: s, cancel: cancel, done: make(chan struct{})}
			up = append(up, r)
			go func() {
				r.err = s.run(own)
				close(r.done)
				ended <- struct{}{}
			}()
			if s.up == nil {
				continue
			}
			if err := r.wait(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("start %s: %w", s.name, err)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		return ready()
	}()
	if err == nil {
		select {
		case <-ctx.Done():
		case <-ended:
		}
	}
	stopping()
	errs := []error{err}
	for i := len(up) - 1; i >= 0; i-- {
		r := up[i]
		broke := false
		select {
		case <-r.done:
			broke = true // before it was asked to stop
		default:
		}
		r.cancel()
		<-r.done
		switch {
		case r.err != nil && !errors.Is(err, r.err):
			errs = append(errs, fmt.Errorf("%s: %w", r.name, r.err))
		case broke && ctx.Err() == nil && err == nil:
			errs = append(errs, fmt.Errorf("%s stopped by itself", r.name))
		}
	}
	return errors.Join(errs...)
}
