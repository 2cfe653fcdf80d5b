// The Go side of the ttrpc bench: the same server and client as server.ts and client.ts, over containerd's own library.
//
//	echo serve SOCKET                     says "ready", and serves until its stdin ends
//	echo call SOCKET BYTES AT_ONCE CALLS  prints {"p50Us":…,"p99Us":…,"perSecond":…}
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/ttrpc"
	"github.com/gogo/protobuf/types"
)

const (
	service = "ebb.bench.Echo"
	method  = "Say"
)

func main() {
	run := func() error { return fmt.Errorf("usage: echo serve SOCKET | echo call SOCKET BYTES AT_ONCE CALLS") }
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		run = func() error { return serve(os.Args[2]) }
	case len(os.Args) == 6 && os.Args[1] == "call":
		run = func() error { return call(os.Args[2], os.Args[3:]) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(socket string) error {
	server, err := ttrpc.NewServer()
	if err != nil {
		return err
	}
	server.Register(service, map[string]ttrpc.Method{method: say})
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go server.Serve(context.Background(), listener)
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func say(_ context.Context, unmarshal func(interface{}) error) (interface{}, error) {
	var request types.Any
	if err := unmarshal(&request); err != nil {
		return nil, err
	}
	return &types.Any{Value: request.Value}, nil
}

func call(socket string, args []string) error {
	var numbers [3]int
	for i, arg := range args {
		number, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		numbers[i] = number
	}
	size, atOnce, calls := numbers[0], numbers[1], numbers[2]
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	client := ttrpc.NewClient(conn)
	defer client.Close()
	// As much beforehand as the other client makes.
	if _, err := measure(client, size, atOnce, calls/4); err != nil {
		return err
	}
	before := time.Now()
	took, err := measure(client, size, atOnce, calls)
	if err != nil {
		return err
	}
	perSecond := float64(calls) / time.Since(before).Seconds()
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	at := func(share float64) float64 {
		return float64(took[int(share*float64(calls-1))].Nanoseconds()) / 1e3
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"p50Us": at(0.5), "p99Us": at(0.99), "perSecond": perSecond,
	})
}

// measure makes the calls, so many at once, and returns how long each took.
func measure(client *ttrpc.Client, size, atOnce, calls int) ([]time.Duration, error) {
	took := make([]time.Duration, calls)
	request := &types.Any{Value: bytes.Repeat([]byte{7}, size)}
	var next int64 = -1
	var wait sync.WaitGroup
	errs := make(chan error, atOnce)
	for i := 0; i < atOnce; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for at := atomic.AddInt64(&next, 1); at < int64(calls); at = atomic.AddInt64(&next, 1) {
				before := time.Now()
				var answer types.Any
				if err := client.Call(context.Background(), service, method, request, &answer); err != nil {
					errs <- err
					return
				}
				if len(answer.Value) != size {
					errs <- fmt.Errorf("an echo of %d bytes instead of %d", len(answer.Value), size)
					return
				}
				took[at] = time.Since(before)
			}
		}()
	}
	wait.Wait()
	select {
	case err := <-errs:
		return nil, err
	default:
		return took, nil
	}
}
