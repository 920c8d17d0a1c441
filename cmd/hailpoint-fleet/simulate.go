package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"hailpoint/cmd/hailpoint-fleet/internal/simulated"
	buildinfo "hailpoint/cmd/internal/version"
)

// simID is the address of simulated terminal i, from 0.
func simID(i int) string { return fmt.Sprintf("sim-%d", i+1) }

// isSimulated tells whether an address is that of a simulated terminal.
func (s *service) isSimulated(address string) bool {
	for i := range s.simulated {
		if simID(i) == address {
			return true
		}
	}
	return false
}

// newSimulated makes simulated terminal i.
func (s *service) newSimulated(i int) (*simulated.Terminal, error) {
	c := simulated.Config{
		ID: simID(i), Name: fmt.Sprintf("Simulated %d", i+1), Broker: s.broker.URL(), Password: s.secret, Base: s.base,
		StateDir: filepath.Join(s.data, "simulated", simID(i)), Target: s.group.Name, Version: buildinfo.Version,
	}
	if s.alter != nil {
		s.alter(&c)
	}
	return simulated.New(c, s.log)
}

// simulate makes the simulated terminals, closes built, and runs them until ctx
// ends.
func (s *service) simulate(ctx context.Context, built chan<- struct{}) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range s.simulated {
		t, err := s.newSimulated(i)
		if err != nil {
			// Those that were made run to their end, which cleans up after them.
			g.Go(func() error { return err })
			break
		}
		s.sims = append(s.sims, t)
		g.Go(func() error { return t.Run(ctx) })
	}
	s.sims = slices.Clip(s.sims)
	if len(s.sims) == s.simulated {
		close(built)
	}
	<-ctx.Done()
	return g.Wait()
}
