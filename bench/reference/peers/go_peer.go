// Go 1.19 peer, GOMAXPROCS=1.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func cpu() float64 {
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)*1e-6
}
func field(path, key string) float64 {
	b, _ := os.ReadFile(path)
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, key) {
			v, _ := strconv.ParseFloat(strings.Fields(l[len(key):])[0], 64)
			return v * 1024
		}
	}
	return 0
}

var x uint32 = 2463534242

func rndMs() time.Duration {
	x ^= x << 13
	x ^= x >> 17
	x ^= x << 5
	return time.Duration(1+x%50) * time.Millisecond
}
func nested(depth int, n int) chan int {
	c := make(chan int)
	if depth == 0 {
		go func() {
			for i := 0; i < n; i++ {
				c <- i
			}
			close(c)
		}()
	} else {
		in := nested(depth-1, n)
		go func() {
			for v := range in {
				c <- v
			}
			close(c)
		}()
	}
	return c
}
func main() {
	runtime.GOMAXPROCS(1)
	w := os.Args[1]
	a := 0
	if len(os.Args) > 2 {
		a, _ = strconv.Atoi(os.Args[2])
	}
	var wg sync.WaitGroup
	per := func(t time.Time, n int) { fmt.Printf("ns=%.4g\n", float64(time.Since(t).Nanoseconds())/float64(n)) }
	switch w {
	case "w1", "w4":
		tasks, n := 1000, 5000
		if w == "w1" {
			tasks, n = 2, 5000000
		} else if a > 0 {
			tasks, n = a, 5000000/a
		}
		wg.Add(tasks)
		for i := 0; i < tasks; i++ {
			go func() {
				for k := 0; k < n; k++ {
					runtime.Gosched()
				}
				wg.Done()
			}()
		}
		t := time.Now()
		wg.Wait()
		per(t, tasks*n)
	case "w2", "wd":
		n := 10000000
		if w == "wd" {
			n = map[int]int{1: 2000000, 10: 500000, 100: 50000, 1000: 5000}[a]
		}
		t := time.Now()
		s := 0
		for v := range nested(a, n) {
			s += v
		}
		per(t, n)
		if s != n*(n-1)/2 {
			panic("sum")
		}
	case "w3":
		var t time.Time
		done := 0
		for k := -20; k < 1000; k++ {
			if k == 0 {
				t = time.Now()
			}
			wg.Add(1000)
			for i := 0; i < 1000; i++ {
				go func() { done++; wg.Done() }()
			}
			wg.Wait()
		}
		per(t, 1000000)
	case "w5u", "w5b":
		n := 2000000
		p, q := make(chan int, a), make(chan int, a)
		go func() {
			for v := range p {
				q <- v
			}
		}()
		t := time.Now()
		for i := 0; i < n; i++ {
			p <- i
			if <-q != i {
				panic("order")
			}
		}
		per(t, n)
	case "w6":
		c, t := cpu(), time.Now()
		wg.Add(100000)
		for i := 0; i < 100000; i++ {
			go func() {
				for k := 0; k < 10; k++ {
					time.Sleep(rndMs())
				}
				wg.Done()
			}()
		}
		wg.Wait()
		fmt.Printf("cpu_us=%.4g wall_s=%.4g\n", (cpu()-c)*1e6/1e6, time.Since(t).Seconds())
	case "w7":
		r, p := field("/proc/self/smaps_rollup", "Rss:"), field("/proc/self/status", "VmPTE:")
		ch := make(chan int)
		wg.Add(a)
		for i := 0; i < a; i++ {
			go func() { wg.Done(); <-ch }()
		}
		wg.Wait()
		r2, p2 := field("/proc/self/smaps_rollup", "Rss:"), field("/proc/self/status", "VmPTE:")
		fmt.Printf("rss_B=%.0f pte_B=%.0f\n", (r2-r)/float64(a), (p2-p)/float64(a))
	case "echo":
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", a))
		if err != nil {
			panic(err)
		}
		for {
			c, err := l.Accept()
			if err != nil {
				continue
			}
			go func() { // TCP_NODELAY is Go's default
				buf := make([]byte, 16384)
				for {
					n, err := c.Read(buf)
					if n > 0 {
						if _, e := c.Write(buf[:n]); e != nil {
							break
						}
					}
					if err != nil {
						break
					}
				}
				c.Close()
			}()
		}
	}
}
