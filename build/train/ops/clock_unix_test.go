//go:build unix

package ops

import "syscall"

// processorSeconds is the time that processors have spent on this program, which
// a busy machine hardly changes.
func processorSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
