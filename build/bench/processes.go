package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// renderers are the processes of a browser's pages, where /proc tells.
func renderers(browser int) (pids []int) {
	entries, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range entries {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if command, _ := os.ReadFile(file); !bytes.Contains(command, []byte("--type=renderer")) {
			continue
		}
		for p := pid; p > 1; p, _ = strconv.Atoi(status(p, "PPid")) {
			if p == browser {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

// status is the first word of a line of /proc/PID/status.
func status(pid int, key string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if k, value, _ := strings.Cut(line, ":"); k == key {
			if f := strings.Fields(value); len(f) > 0 {
				return f[0]
			}
		}
	}
	return ""
}

// peakMemory is the largest resident set (VmHWM) that any page's process of the
// browser has had, in bytes, 0 where /proc does not tell.
func peakMemory(browser int) (most int) {
	for _, pid := range renderers(browser) {
		kilobytes, _ := strconv.Atoi(status(pid, "VmHWM"))
		most = max(most, kilobytes<<10)
	}
	return most
}

// processorTime is what all threads of a process have run, 0 where /proc does not
// tell.
func processorTime(pid int) (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, file := range threads {
		text, _ := os.ReadFile(file)
		if f := strings.Fields(string(text)); len(f) > 0 {
			n, _ := strconv.ParseInt(f[0], 10, 64)
			sum += time.Duration(n)
		}
	}
	return sum
}
