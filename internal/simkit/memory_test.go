package simkit

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMemoryConn(t *testing.T) {
	t.Parallel()
	buffer := make([]byte, 8)
	for name, run := range map[string]func(t *testing.T, client, server *memoryConn){
		"what was written before a close is still read": func(t *testing.T, client, server *memoryConn) {
			_, err := client.Write([]byte("last"))
			require.NoError(t, err)
			require.NoError(t, client.Close())
			n, err := server.Read(buffer)
			require.NoError(t, err)
			assert.Equal(t, "last", string(buffer[:n]))
			_, err = server.Read(buffer)
			require.ErrorIs(t, err, io.EOF)
			_, err = server.Write([]byte("x"))
			require.ErrorIs(t, err, syscall.EPIPE)
		},
		"a reset loses it": func(t *testing.T, client, server *memoryConn) {
			_, err := server.Write([]byte("lost"))
			require.NoError(t, err)
			server.reset()
			_, err = client.Read(buffer)
			require.ErrorIs(t, err, syscall.ECONNRESET)
			_, err = client.Write([]byte("x"))
			require.ErrorIs(t, err, syscall.ECONNRESET)
		},
		"a close ends one's own read": func(t *testing.T, client, _ *memoryConn) {
			go func() {
				<-time.After(time.Second) // of the bubble
				_ = client.Close()
			}()
			_, err := client.Read(buffer)
			require.ErrorIs(t, err, net.ErrClosed)
		},
		"a deadline ends a read, and can be moved": func(t *testing.T, client, server *memoryConn) {
			require.NoError(t, client.SetReadDeadline(time.Now().Add(time.Second)))
			began := time.Now()
			_, err := client.Read(buffer)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			var timeout net.Error
			require.ErrorAs(t, err, &timeout)
			assert.True(t, timeout.Timeout())
			assert.Equal(t, time.Second, time.Since(began))
			require.NoError(t, client.SetReadDeadline(time.Time{}))
			_, err = server.Write([]byte("late"))
			require.NoError(t, err)
			_, err = client.Read(buffer)
			require.NoError(t, err)
		},
		"a deadline in the past ends a read under way": func(t *testing.T, client, _ *memoryConn) {
			go func() {
				<-time.After(time.Second) // of the bubble
				_ = client.SetDeadline(time.Unix(1, 0))
			}()
			_, err := client.Read(buffer)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		},
		"a reader that is slow holds the writer up": func(t *testing.T, client, server *memoryConn) {
			much := bytes.Repeat([]byte("x"), 3*streamLimit)
			written := make(chan error, 1)
			go func() {
				_, err := client.Write(much)
				_ = client.Close()
				written <- err
			}()
			synctest.Wait()
			assert.Empty(t, written)
			got, err := io.ReadAll(server)
			require.NoError(t, err)
			assert.Len(t, got, len(much))
			require.NoError(t, <-written)
		},
		"a deadline ends a write": func(t *testing.T, client, _ *memoryConn) {
			require.NoError(t, client.SetWriteDeadline(time.Now().Add(time.Second)))
			n, err := client.Write(make([]byte, 2*streamLimit))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.Equal(t, streamLimit, n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, server := newMemoryPair("here")
				run(t, client, server)
				_ = client.Close()
				_ = server.Close()
			})
		})
	}
}

func TestMemoryListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listener := newMemoryListener("here")
		assert.Equal(t, "here", listener.Addr().String())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := listener.DialContext(ctx, "tcp", "anywhere:443")
		require.ErrorIs(t, err, context.DeadlineExceeded, "nobody accepts")
		go func() { _ = listener.Close() }()
		_, err = listener.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = listener.DialContext(t.Context(), "tcp", "anywhere:443")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}
