// SPDX-License-Identifier: BSD-2-Clause

// A static Go program, which makes its system calls without the C library: a server of its own and 50
// goroutines that call it, a download, UDP both ways, a refused connection.
//
//	gonet http://HOST:PORT/file HOST:PORT(udp echo) HOST:PORT(nobody)
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func ownServer() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		io.WriteString(w, host)
	}))
	var wg sync.WaitGroup
	for i := 0; i < 50; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := 0; k < 20; k++ {
				r, err := http.Get("http://" + ln.Addr().String() + "/")
				must(err)
				b, err := io.ReadAll(r.Body)
				must(err)
				r.Body.Close()
				if string(b) != "127.0.0.1" {
					fmt.Println("remote address", string(b))
					os.Exit(1)
				}
			}
		}()
	}
	wg.Wait()
	fmt.Println("1000 requests")
}

func download(url string) {
	r, err := http.Get(url)
	must(err)
	h := sha256.New()
	_, err = io.Copy(h, r.Body)
	must(err)
	fmt.Printf("%x\n", h.Sum(nil))
}

func datagrams(echo string) {
	b := make([]byte, 100)
	u, err := net.Dial("udp", echo)
	must(err)
	u.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = u.Write([]byte("connected"))
	must(err)
	n, err := u.Read(b)
	must(err)
	fmt.Println(string(b[:n]))
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(err)
	to, err := net.ResolveUDPAddr("udp", echo)
	must(err)
	p.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = p.WriteTo([]byte("unconnected"), to)
	must(err)
	n, from, err := p.ReadFrom(b)
	must(err)
	fmt.Println(string(b[:n]), from.String() == echo)
}

func main() {
	ownServer()
	download(os.Args[1])
	datagrams(os.Args[2])
	_, err := net.Dial("tcp", os.Args[3])
	fmt.Println(err)
}
