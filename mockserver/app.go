package mockserver

import (
	"fmt"
	"time"
)

// App is one app of a server, by name. It stays the same app when others come and go.
type App struct {
	server *Server
	name   string
}

// App returns the app of that name or appkey. That there is none is said by the methods.
func (s *Server) App(name string) *App { return &App{s, name} }

// Apps returns the apps as they are at this moment, in the order they were made.
func (s *Server) Apps() []AppState {
	list := []AppState{}
	for _, a := range s.tenants.all() {
		list = append(list, a.state())
	}
	return list
}

// Violations returns how often the calls so far broke the document, sorted by app, operation, rule and pointer.
func (s *Server) Violations() []ViolationCount {
	return s.tally.List(func(string) bool { return true })
}

// State returns the app as it is at this moment.
func (a *App) State() (AppState, error) {
	found, err := a.find()
	if err != nil {
		return AppState{}, err
	}
	return found.state(), nil
}

// Now returns the time by the app's clock.
func (a *App) Now() (time.Time, error) {
	found, err := a.find()
	if err != nil {
		return time.Time{}, err
	}
	found.mu.Lock()
	defer found.mu.Unlock()
	return found.clock.Now(), nil
}

// Advance moves the app's clock forward and returns what ended thereby. It fails, and moves nothing, where by is
// negative or leads beyond the year 9999.
func (a *App) Advance(by time.Duration) (Expired, error) {
	found, err := a.find()
	if err != nil {
		return Expired{}, err
	}
	return found.advance(by)
}

// Freeze stops the app's clock; it can still be advanced.
func (a *App) Freeze() error { return a.with(func(found *tenant) { found.clock.Freeze() }) }

// Resume lets a frozen clock go on from where it stands.
func (a *App) Resume() error { return a.with(func(found *tenant) { found.clock.Resume() }) }

// Violations returns how often the app's calls so far broke the document. It outlives the app.
func (a *App) Violations() []ViolationCount {
	return a.server.tally.List(func(app string) bool { return app == a.name })
}

func (a *App) find() (*tenant, error) {
	if found := a.server.tenants.app(a.name); found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("mockserver: there is no app %q", a.name)
}

func (a *App) with(do func(*tenant)) error {
	found, err := a.find()
	if err != nil {
		return err
	}
	found.mu.Lock()
	defer found.mu.Unlock()
	do(found)
	return nil
}

func (a *tenant) advance(by time.Duration) (Expired, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.clock.Now()
	a.world.Sessions.Sweep(before)
	lived := a.world.Tokens.Live(before)
	if err := a.clock.Advance(by); err != nil {
		return Expired{}, err
	}
	now := a.clock.Now()
	return Expired{Tokens: lived - a.world.Tokens.Live(now), Sessions: a.world.Sessions.Sweep(now)}, nil
}
