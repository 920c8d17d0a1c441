package api

import "maps"

// panel is what a page shows of a simulated terminal.
type panel struct {
	ID      string          `json:"id"`
	Buttons []string        `json:"buttons"`
	Lamps   map[string]bool `json:"lamps"`
	level   int
	sim     Simulated
}

// panels are the simulated terminals as one page last saw them.
type panels []*panel

func newPanels(sims []Simulated) panels {
	ps := make(panels, 0, len(sims))
	for _, sim := range sims {
		ps = append(ps, &panel{ID: sim.ID(), Buttons: sim.Buttons(), Lamps: sim.Lamps(), sim: sim})
	}
	return ps
}

func (ps panels) all() []panel {
	all := make([]panel, 0, len(ps))
	for _, p := range ps {
		all = append(all, *p)
	}
	return all
}

// news returns messages on what changed since the last look.
func (ps panels) news() []any {
	var news []any
	levels := map[string]int{}
	for _, p := range ps {
		if lamps := p.sim.Lamps(); !maps.Equal(lamps, p.Lamps) {
			p.Lamps = lamps
			news = append(news, map[string]any{"sim": *p})
		}
		if level := p.sim.Level(); level != p.level {
			p.level = level
			levels[p.ID] = level
		}
	}
	if len(levels) > 0 {
		news = append(news, map[string]any{"levels": levels})
	}
	return news
}

// press holds or lets go of a button of a simulated terminal.
func (p *page) press(h hold) {
	for _, sim := range p.s.Simulated {
		if sim.ID() != h.ID {
			continue
		}
		if err := sim.Hold(h.Button, h.Down); err != nil {
			p.refuse("", err.Error())
			return
		}
		key := hold{ID: h.ID, Button: h.Button}
		if h.Down {
			p.held[key] = true
		} else {
			delete(p.held, key)
		}
		return
	}
	p.refuse("", "no simulated terminal of this address")
}

// release lets go of what the page still holds when it goes away.
func (p *page) release() {
	for h := range p.held {
		h.Down = false
		p.press(h)
	}
}
