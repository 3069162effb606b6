package main

import "sync"

type verdict int

const (
	accepted verdict = iota
	queueFull
	aborted
)

// admission counts the answers that run or wait, as vLLM's queue limit does, and refuses or aborts new ones.
type admission struct {
	lock     sync.Mutex
	limit    int // negative: none
	inFlight int
	draining bool
	idle     chan struct{}
}

func (gate *admission) enter(answers int) verdict {
	gate.lock.Lock()
	defer gate.lock.Unlock()
	switch {
	case gate.limit >= 0 && gate.inFlight+answers > gate.limit:
		return queueFull
	case gate.draining:
		return aborted
	}
	gate.inFlight += answers
	return accepted
}

func (gate *admission) leave(answers int) {
	gate.lock.Lock()
	defer gate.lock.Unlock()
	gate.inFlight -= answers
	if gate.draining && gate.inFlight == 0 {
		close(gate.idle)
	}
}

// drain lets no new answer in; what it returns is closed when the last one that is in has left.
func (gate *admission) drain() <-chan struct{} {
	gate.lock.Lock()
	defer gate.lock.Unlock()
	gate.draining, gate.idle = true, make(chan struct{})
	if gate.inFlight == 0 {
		close(gate.idle)
	}
	return gate.idle
}
