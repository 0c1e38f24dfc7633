package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/problem"
)

// serveProfiles serves what Go knows of the process, to this machine alone, until
// stop is called.
func (s *server) serveProfiles(ctx context.Context) (stop func(), err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(s.log)
	e.Use(auth.Pages(func() bool { return true }, func(*http.Request) bool { return false }))
	e.GET("/debug/pprof/profile", echo.WrapHandler(http.HandlerFunc(pprof.Profile)))
	e.GET("/debug/pprof/trace", echo.WrapHandler(http.HandlerFunc(pprof.Trace)))
	e.GET("/debug/pprof/symbol", echo.WrapHandler(http.HandlerFunc(pprof.Symbol)))
	e.GET("/debug/pprof/*", echo.WrapHandler(http.HandlerFunc(pprof.Index)))
	srv := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second} // profiles take as long as they are asked to
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("serve profiles", "error", err)
		}
	}()
	s.log.Warn("profiles are served to everybody on this machine", "url", "http://"+l.Addr().String()+"/debug/pprof/")
	return func() { _ = srv.Close() }, nil
}
