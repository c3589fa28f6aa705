// testapp is an app that behaves as badly as a test asks it to. Everything is set by variables at its start, or by
// requests later; it needs nothing but itself.
//
//	PORT          the port, 3030 unless set          LISTEN       a whole address instead, such as 127.0.0.1:9000
//	VERSION       what / answers                     PRINT        a line printed at the start
//	READY_AFTER   /health answers 503 until then     HEALTH       the status that /health answers, 200 unless set
//	LISTEN_AFTER  the port is closed until then      HEALTH_DELAY how long /health takes
//	EXIT_AFTER    exits then, with EXIT_CODE         EXIT_ONCE    the same, but not after the first restart
//	ALLOCATE_MB   memory taken at the start          CALL_ON_TERM a URL that is asked at SIGTERM, its answer printed
//	ON_TERM       polite: answers what it has, then exits; die: exits at once; ignore: goes on;
//	              naive: no handler at all, which the kernel ignores for process 1 and obeys for any other
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	health    atomic.Int64
	hoard     [][]byte
	startedAt = time.Now()
)

func main() {
	beOrphan()
	if line := os.Getenv("PRINT"); line != "" {
		fmt.Println(line)
	}
	exitWhenAsked()
	allocate(number("ALLOCATE_MB", 0))
	health.Store(int64(number("HEALTH", 200)))

	address := os.Getenv("LISTEN")
	if address == "" {
		address = fmt.Sprintf(":%d", number("PORT", 3030))
	}
	server := &http.Server{Addr: address, Handler: routes()}
	obey(server)
	time.Sleep(duration("LISTEN_AFTER"))
	fmt.Println("listening on", address)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {} // Until obey ends the process.
}

// exitWhenAsked ends the process by itself. What survives a restart of the container is a pod's shared memory, or a
// Docker container's files.
func exitWhenAsked() {
	exit := func() {
		code := number("EXIT_CODE", 1)
		fmt.Fprintln(os.Stderr, "exiting with", code)
		os.Exit(code)
	}
	if os.Getenv("EXIT_ONCE") != "" {
		written := false
		for _, path := range []string{"/dev/shm/exited", "/exited"} {
			if _, err := os.Stat(path); err == nil {
				return
			}
			written = os.WriteFile(path, nil, 0o644) == nil || written
		}
		if !written {
			fmt.Fprintln(os.Stderr, "cannot remember having exited")
		}
		exit()
	}
	if os.Getenv("EXIT_AFTER") != "" {
		time.AfterFunc(duration("EXIT_AFTER"), exit)
		if duration("EXIT_AFTER") == 0 {
			exit()
		}
	}
}

// beOrphan is what the processes of /orphan do instead of serving: a parent starts a child and ends, the child ends later.
func beOrphan() {
	switch os.Getenv("ORPHAN") {
	case "parent":
		child := exec.Command("/proc/self/exe")
		child.Env = []string{"ORPHAN=child"}
		if err := child.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(child.Process.Pid)
		os.Exit(0)
	case "child":
		time.Sleep(time.Second)
		os.Exit(0)
	}
}

// obey does with SIGTERM what ON_TERM says.
func obey(server *http.Server) {
	mode := os.Getenv("ON_TERM")
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		for range signals {
			fmt.Println("got SIGTERM as process", os.Getpid())
			callOnTerm()
			switch {
			case mode == "ignore", mode == "naive" && os.Getpid() == 1:
				go goOn()
			case mode == "die", mode == "naive":
				os.Exit(143)
			default:
				if err := server.Shutdown(context.Background()); err != nil {
					fmt.Fprintln(os.Stderr, err)
				}
				fmt.Println("bye")
				os.Exit(0)
			}
		}
	}()
}

// goOn says for how long the process has gone on, so that its last line tells when it was killed.
func goOn() {
	for seconds := 5; ; seconds += 5 {
		time.Sleep(5 * time.Second)
		fmt.Println("went on for", seconds, "s")
	}
}

// callOnTerm does the last thing that an app may still have to do, with the help of a sidecar.
func callOnTerm() {
	url := os.Getenv("CALL_ON_TERM")
	if url == "" {
		return
	}
	time.Sleep(time.Second)
	answer, err := http.Get(url)
	if err != nil {
		fmt.Println("called on SIGTERM in vain:", err)
		return
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	fmt.Println("called on SIGTERM:", strings.TrimSpace(string(body)))
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.Error(w, "no such page", http.StatusNotFound)
			return
		}
		fmt.Fprintln(w, os.Getenv("VERSION"))
	})
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(duration("HEALTH_DELAY"))
		status := int(health.Load())
		if time.Since(startedAt) < duration("READY_AFTER") {
			status = http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
		fmt.Fprintln(w, "health is", status)
	})
	// Sets what /health answers from now on, and says which process that is.
	mux.HandleFunc("/set-health/{status}", func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.PathValue("status"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		health.Store(int64(status))
		process(w, r)
	})
	mux.HandleFunc("/slow/{ms}", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.PathValue("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
		fmt.Fprintln(w, os.Getenv("VERSION"))
	})
	mux.HandleFunc("/exit/{code}", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		os.Exit(code)
	})
	mux.HandleFunc("/print/{line}", func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.PathValue("line"))
	})
	mux.HandleFunc("/variables", func(w http.ResponseWriter, _ *http.Request) {
		variables := map[string]string{}
		for _, pair := range os.Environ() {
			name, value, _ := strings.Cut(pair, "=")
			variables[name] = value
		}
		json.NewEncoder(w).Encode(variables)
	})
	mux.HandleFunc("/process", process)
	// The address at which other containers would reach this one.
	mux.HandleFunc("/address", func(w http.ResponseWriter, _ *http.Request) {
		addresses, err := net.InterfaceAddrs()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for _, address := range addresses {
			if ip, ok := address.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
				fmt.Fprintln(w, ip.IP)
				return
			}
		}
		http.Error(w, "no address", http.StatusNotFound)
	})
	// Starts a process that outlives its parent, and answers with its number.
	mux.HandleFunc("/orphan", func(w http.ResponseWriter, _ *http.Request) {
		parent := exec.Command("/proc/self/exe")
		parent.Env = []string{"ORPHAN=parent"}
		number, err := parent.Output()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Write(number)
	})
	// Calls another service and passes on what it answers. Over a connection of its own: a kept one would lead to the same
	// process for ever, whoever is found by that name by then, and what is lost on it is asked for again without a word.
	// With `again` that is done here, once, as callers do that do not care who answers.
	caller := http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	mux.HandleFunc("/call", func(w http.ResponseWriter, r *http.Request) {
		url := r.URL.Query().Get("url")
		answer, err := caller.Get(url)
		if err != nil && r.URL.Query().Has("again") {
			answer, err = caller.Get(url)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		io.Copy(w, answer.Body)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		// Read, not served: the kernel's own files say that they are empty.
		content, err := os.ReadFile(r.URL.Query().Get("path"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Write(content)
	})
	streams(mux)
	return mux
}

// process tells this process from all others.
func process(w http.ResponseWriter, _ *http.Request) {
	host, _ := os.Hostname()
	json.NewEncoder(w).Encode(map[string]any{"pid": os.Getpid(), "host": host, "started_at": startedAt})
}

// allocate takes memory and touches every page of it.
func allocate(mb int) {
	for range mb {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		hoard = append(hoard, block)
	}
}

func number(name string, otherwise int) int {
	if value, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return value
	}
	return otherwise
}

func duration(name string) time.Duration {
	value, _ := time.ParseDuration(os.Getenv(name))
	return value
}
