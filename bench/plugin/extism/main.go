//go:build wasip1

// Command extism is End Task as an author writes it with Extism's Go PDK: the
// document is read and written with encoding/json and structs. It takes the same
// document as the shipped plugin, makes the same checks of the same inputs and
// answers with the same document, but leaves out what this request has not:
// variables, settings that differ from the defaults, faults.
package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"

	"github.com/extism/go-pdk"
)

func main() {}

type document struct {
	Inputs struct {
		Domain          string `json:"domain"`
		TaskID          string `json:"taskId"`
		DispositionCode string `json:"dispositionCode"`
		MediaType       string `json:"mediaType"`
		MediaChannel    string `json:"mediaChannel"`
		PreferredOwner  string `json:"preferredOwner"`
	} `json:"inputs"`
	Settings struct {
		Scheme         string `json:"scheme"`
		TasksPath      string `json:"tasksPath"`
		ClosePath      string `json:"closePath"`
		CloseMethod    string `json:"closeMethod"`
		TrackingHeader string `json:"trackingHeader"`
		TrackingPrefix string `json:"trackingPrefix"`
	} `json:"settings"`
	Context struct {
		Seed string `json:"seed"`
	} `json:"context"`
	Replies []struct {
		Status  int                 `json:"status"`
		Headers map[string][]string `json:"headers"`
		Body    string              `json:"body"`
	} `json:"replies"`
}

type call struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

type answer struct {
	Calls   []call         `json:"calls,omitempty"`
	Outcome string         `json:"outcome,omitempty"`
	Outputs map[string]any `json:"outputs,omitempty"`
}

//go:wasmexport end_task
func endTask() int32 {
	// As in the shipped plugin's SDK: without it a reused instance leaks.
	defer runtime.Gosched()
	var d document
	if err := pdk.InputJSON(&d); err != nil {
		pdk.SetError(err)
		return 1
	}
	a, err := d.endTask()
	if err != nil {
		pdk.SetError(err)
		return 1
	}
	if err := pdk.OutputJSON(a); err != nil {
		pdk.SetError(err)
		return 1
	}
	return 0
}

// spin never ends.
//
//go:wasmexport spin
func spin() int32 {
	for n := 0; ; n++ {
		spun = spun[:0]
	}
}

var spun []byte

func (d *document) endTask() (answer, error) {
	in := &d.Inputs
	if in.Domain == "" || strings.ContainsAny(in.Domain, "/@?# ") {
		return answer{}, errors.New("domain: expected a host")
	}
	if !isUUID(in.TaskID) {
		return answer{}, errors.New("taskId: expected a UUID")
	}
	if in.MediaType != "Social" || in.MediaChannel != "SMS" {
		return answer{}, errors.New("mediaType or mediaChannel: unknown")
	}
	if len(d.Replies) == 0 {
		return d.ask()
	}
	reply := d.Replies[0]
	var body struct {
		Code int `json:"code"`
	}
	if err := json.Unmarshal([]byte(reply.Body), &body); err != nil {
		return answer{}, err
	}
	location := ""
	if values := reply.Headers["location"]; len(values) > 0 {
		location = values[0]
	}
	return answer{Outcome: "Success", Outputs: map[string]any{
		"location": location, "responsePayload": reply.Body, "vendorCode": strconv.Itoa(body.Code), "statusLabel": "",
		"httpStatus": reply.Status, "trackingId": d.trackingID(), "errorCode": "", "errorMessage": "",
	}}, nil
}

func (d *document) ask() (answer, error) {
	body, err := json.Marshal(map[string]string{})
	if err != nil {
		return answer{}, err
	}
	s := &d.Settings
	path := strings.ReplaceAll(s.ClosePath, "{tasksPath}", s.TasksPath)
	return answer{Calls: []call{{
		Method: s.CloseMethod,
		URL:    s.Scheme + "://" + d.Inputs.Domain + strings.ReplaceAll(path, "{taskId}", d.Inputs.TaskID),
		Headers: map[string]string{
			"Accept": "application/json", "Content-Type": "application/json", s.TrackingHeader: d.trackingID(),
		},
		Body: string(body),
	}}}, nil
}

func (d *document) trackingID() string {
	h := uint64(0xcbf29ce484222325)
	for i := range len(d.Context.Seed) {
		h = (h ^ uint64(d.Context.Seed[i])) * 0x100000001b3
	}
	r := rand.New(rand.NewPCG(h, h+1))
	return d.Settings.TrackingPrefix + "_" + strconv.FormatUint(r.Uint64(), 16) + strconv.FormatUint(r.Uint64(), 16)
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}
