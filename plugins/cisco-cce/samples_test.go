package main

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/sdk/sdktest"
)

// TestSamples runs the six sample configurations of the vendor's End Task page,
// with values in the place of its templates. $(0000) and $(1100) are there as
// their digits.
func TestSamples(t *testing.T) {
	t.Parallel()
	extension := func(key, value string) map[string]any { return map[string]any{"key": key, "value": value} }
	typed := func(key, value string) map[string]any {
		return map[string]any{"key": key, "type": "String", "value": value}
	}
	tests := []struct {
		name   string
		inputs map[string]any
		want   map[string]any // body of the call, without conversationId
	}{
		{
			name: "SMS",
			inputs: map[string]any{
				"destination": "4915100", "mediaType": "Social", "mediaChannel": "SMS", "preferredOwner": "1100",
				"scriptSelector": "Sales", "customerId": "4917200", "customerName": "4917200", "origin": "4917200",
			},
			want: map[string]any{
				"destination": "4915100", "mediaType": "Social", "mediaChannel": "SMS", "preferredOwner": "1100",
				"scriptSelector": "Sales", "customerId": "4917200", "customerName": "4917200", "origin": "4917200",
			},
		},
		{
			name: "Facebook Messenger",
			inputs: map[string]any{
				"destination": "app-1", "mediaType": "Social", "mediaChannel": "Facebook Messenger", "preferredOwner": "0000",
				"scriptSelector": "Sales", "customerId": "psid", "customerName": "Ann", "origin": "psid",
				"extensionVariables": []any{extension("facebookID", "psid")},
			},
			want: map[string]any{
				"destination": "app-1", "mediaType": "Social", "mediaChannel": "Facebook Messenger",
				"scriptSelector": "Sales", "customerId": "psid", "customerName": "Ann", "origin": "psid",
				"variables": map[string]any{"facebookID": "psid"},
			},
		},
		{
			name: "WhatsApp",
			inputs: map[string]any{
				"destination": "app-2", "mediaType": "Social", "mediaChannel": "WhatsApp", "preferredOwner": "0000",
				"scriptSelector": "Sales", "customerId": "waid", "customerName": "Ann", "origin": "waid",
			},
			want: map[string]any{
				"destination": "app-2", "mediaType": "Social", "mediaChannel": "WhatsApp",
				"scriptSelector": "Sales", "customerId": "waid", "customerName": "Ann", "origin": "waid",
			},
		},
		{
			name: "Email",
			inputs: map[string]any{
				"destination": "app-3", "mediaType": "Email", "mediaChannel": "Email", "preferredOwner": "0000",
				"scriptSelector": "Insurance", "customerId": "ann@example.com", "customerName": "Ann", "origin": "ann@example.com",
				"userVariables": []any{typed("_DR_EmailSubject", "My claim")},
			},
			want: map[string]any{
				"destination": "app-3", "mediaType": "Email", "mediaChannel": "Email",
				"scriptSelector": "Insurance", "customerId": "ann@example.com", "customerName": "Ann", "origin": "ann@example.com",
				"variables": map[string]any{"user_DR_EmailSubject": "My claim"},
			},
		},
		{
			// The page leaves the variable's key out; ChatThreadID is the name
			// that the vendor gives a chat's thread elsewhere.
			name: "Live Chat",
			inputs: map[string]any{
				"destination": "app-4", "mediaType": "Chat", "mediaChannel": "Live Chat/In App Messaging", "preferredOwner": "0000",
				"scriptSelector": "Query", "customerId": "ann@example.com", "customerName": "Ann", "origin": "u-1",
				"extensionVariables": []any{typed("ChatThreadID", "t-1")},
			},
			want: map[string]any{
				"destination": "app-4", "mediaType": "Chat", "mediaChannel": "Live Chat/In App Messaging",
				"scriptSelector": "Query", "customerId": "ann@example.com", "customerName": "Ann", "origin": "u-1",
				"variables": map[string]any{"ChatThreadID": "t-1"},
			},
		},
		{
			name: "Web Callback",
			inputs: map[string]any{
				"destination": "app-5", "mediaType": "Web Callback", "mediaChannel": "Web Callback", "preferredOwner": "0000",
				"scriptSelector": "Sales_Callback", "customerId": "c-1", "customerName": "Ann", "origin": "4917200",
				"extensionVariables": []any{
					typed("LiveChatUserId (Origin)", "u-1"), typed("LiveChatThread", "t-1"), typed("LiveChatAppID", "a-1"),
				},
			},
			want: map[string]any{
				"destination": "app-5", "mediaType": "Web Callback", "mediaChannel": "Web Callback",
				"scriptSelector": "Sales_Callback", "customerId": "c-1", "customerName": "Ann", "origin": "4917200",
				"variables": map[string]any{"LiveChatUserId (Origin)": "u-1", "LiveChatThread": "t-1", "LiveChatAppID": "a-1"},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := inputs("end-task", map[string]any{"conversationId": "c-9"})
			maps.Copy(in, test.inputs)

			plain := body(t, run(t, "end-task", sdktest.Visit{Inputs: in, Reply: accepted}))
			onlyVariables := map[string]any{}
			if variables, has := test.want["variables"]; has {
				onlyVariables["variables"] = variables
			}
			if diff := cmp.Diff(onlyVariables, plain); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}

			in["sendContext"] = true
			full := body(t, run(t, "end-task", sdktest.Visit{Inputs: in, Reply: accepted}))
			want := maps.Clone(test.want)
			want["conversationId"] = "c-9"
			if diff := cmp.Diff(want, full); diff != "" {
				t.Errorf("body with context (-want +got):\n%s", diff)
			}
		})
	}
}
