package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// errAlone says that a part of the service ended although nobody asked it to.
var errAlone = errors.New("stopped by itself")

// inOrder starts the stages one after another, calls ready, and works until
// ctx ends or one of them does. Then it calls stopping and stops them in the
// opposite order, each only when those that stand on it have stopped. It returns
// what went wrong.
func inOrder(ctx context.Context, ready func() error, stopping func(), stages ...stage) error {
	ended := make(chan struct{}, len(stages))
	var up []*running
	var errs []error
	for _, s := range stages {
		r := begin(ctx, s, ended)
		up = append(up, r)
		if !r.works(ctx) {
			break // it has ended, or ctx has
		}
	}
	if ctx.Err() == nil && len(ended) == 0 {
		errs = append(errs, ready())
	}
	if errors.Join(errs...) == nil {
		select {
		case <-ctx.Done():
		case <-ended:
		}
	}
	stopping()
	for _, r := range slices.Backward(up) {
		if err := r.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return errors.Join(errs...)
}

// begin starts a stage, which lives until stop; it tells ended when it ends.
func begin(ctx context.Context, s stage, ended chan<- struct{}) *running {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{stage: s, cancel: cancel, done: make(chan struct{})}
	go func() {
		r.err = s.run(own)
		ended <- struct{}{} // first: who sees done may look at ended
		close(r.done)
	}()
	return r
}

// works waits until the stage works, and tells whether it does: not if it, or
// ctx, has ended before.
func (r *running) works(ctx context.Context) bool {
	if r.up == nil {
		return true
	}
	ctx, cancel := context.WithCancel(ctx)
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
	return err == nil
}

// stop stops the stage, waits until it has stopped, and returns what was wrong
// with it.
func (r *running) stop(ctx context.Context) error {
	alone := false
	select {
	case <-r.done:
		alone = ctx.Err() == nil
	default:
	}
	r.cancel()
	<-r.done
	if r.err == nil && alone {
		return errAlone
	}
	return r.err
}
