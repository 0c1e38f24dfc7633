package emulator

import "slices"

const featureMultimedia = "api-multimedia"

// user is an agent who may log in.
type user struct {
	ID        string   `json:"id"`
	UserName  string   `json:"userName"`
	FirstName string   `json:"firstName"`
	LastName  string   `json:"lastName"`
	Features  []string `json:"features"`
	// Started tells whether the agent has a contact centre session, without
	// which there is no work.
	Started bool `json:"contactCenterSession"`
	// ChangePassword keeps the agent from working until it is done.
	ChangePassword bool `json:"changePassword"`

	password string
}

// users are those that there are from the start.
func users() []*user {
	multimedia := []string{featureMultimedia, "api-voice"}
	return []*user{
		{ID: "5e101708f14442c7ab79814bb4f79e01", UserName: "a1", FirstName: "Ann", LastName: "One", Features: multimedia, Started: true, password: "a1-password"},
		{ID: "10f8abb20c154fb28c82c68102625233", UserName: "a2", FirstName: "Ben", LastName: "Two", Features: multimedia, Started: true, password: "a2-password"},
		{ID: "c30d06daa1ea43b8be79f9b071f30d70", UserName: "a3", FirstName: "Cai", LastName: "Voice", Features: []string{"api-voice"}, Started: true, password: "a3-password"},
		{ID: "7b2e4d0c9a6f4c35b1d8e2f7a0964c5e", UserName: "a4", FirstName: "Dee", LastName: "Away", Features: multimedia, password: "a4-password"},
		{ID: "e94f1a7d3b5c4826901fa8c7d6b2e350", UserName: "a5", FirstName: "Eve", LastName: "New", Features: multimedia, Started: true, ChangePassword: true, password: "a5-password"},
	}
}

func (u *user) has(feature string) bool { return slices.Contains(u.Features, feature) }

// queue is where an interaction can be put.
type queue struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// queues have the name and the ids of the vendor's pages.
func queues() []*queue {
	return []*queue{
		{ID: "41cc5016-2d18-4a91-93ec-b43748948608", Name: "PostProcessingQueue"},
		{ID: "5c7c1112-2be4-4108-9fbe-341312585616", Name: "SocialMediaQueue"},
	}
}

func (s *service) user(name string) *user {
	return find(s.users, func(u *user) bool { return u.UserName == name })
}

// find returns the first that matches, or nil.
func find[T any](list []*T, match func(*T) bool) *T {
	if i := slices.IndexFunc(list, match); i >= 0 {
		return list[i]
	}
	return nil
}
