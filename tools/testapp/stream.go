package main

// What takes its time: bodies that come and go piece by piece, and WebSockets.

import (
	"bufio"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

func streams(mux *http.ServeMux) {
	// Reads the whole body, then answers with its length and its hash.
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		hash := sha256.New()
		length, err := io.Copy(hash, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%d %x\n", length, hash.Sum(nil))
	})
	// Answers with numbered lines, one every few milliseconds.
	mux.HandleFunc("/drip/{lines}/{ms}", func(w http.ResponseWriter, r *http.Request) {
		lines, _ := strconv.Atoi(r.PathValue("lines"))
		ms, _ := strconv.Atoi(r.PathValue("ms"))
		for line := 1; line <= lines; line++ {
			fmt.Fprintln(w, line)
			w.(http.Flusher).Flush()
			time.Sleep(time.Duration(ms) * time.Millisecond)
		}
	})
	mux.HandleFunc("/socket", socket)
}

// The kinds of frames that mean something to the connection itself.
const (
	close = 8
	ping  = 9
	pong  = 10
)

// socket is a WebSocket that sends back every message, as long as the other side likes.
func socket(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")
	if key == "" {
		http.Error(w, "not a WebSocket", http.StatusUpgradeRequired)
		return
	}
	stream, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer stream.Close()
	accept := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(accept[:]))
	for {
		kind, message, err := readFrame(buffered.Reader)
		if err != nil {
			return
		}
		switch kind {
		case ping:
			writeFrame(stream, pong, message)
		case close:
			writeFrame(stream, close, message)
			return
		case pong:
		default:
			writeFrame(stream, kind, message)
		}
	}
}

// readFrame reads one frame of a client; messages in several frames are not needed here.
func readFrame(from *bufio.Reader) (kind byte, message []byte, err error) {
	head := make([]byte, 2)
	if _, err = io.ReadFull(from, head); err != nil {
		return
	}
	length := uint64(head[1] & 0x7f)
	switch length {
	case 126:
		extended := make([]byte, 2)
		if _, err = io.ReadFull(from, extended); err != nil {
			return
		}
		length = uint64(binary.BigEndian.Uint16(extended))
	case 127:
		return 0, nil, fmt.Errorf("a message is too long")
	}
	mask := make([]byte, 4)
	if _, err = io.ReadFull(from, mask); err != nil {
		return
	}
	message = make([]byte, length)
	if _, err = io.ReadFull(from, message); err != nil {
		return
	}
	for i := range message {
		message[i] ^= mask[i%4]
	}
	return head[0] & 0x0f, message, nil
}

func writeFrame(to net.Conn, kind byte, message []byte) {
	frame := []byte{0x80 | kind}
	if len(message) < 126 {
		frame = append(frame, byte(len(message)))
	} else {
		frame = append(frame, 126)
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(message)))
	}
	to.Write(append(frame, message...))
}
