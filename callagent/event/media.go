package event

// MediaTypeChanged (media.type_changed): The kind of the call changed.
type MediaTypeChanged struct {
	Old   Media `json:"old"`
	New   Media `json:"new"`
	User  User  `json:"user"`
	Local bool  `json:"local"`
}

// MediaState (media.state): A party started or stopped sending a kind of media,
// e.g. muted its microphone. Kind is audio or video.
type MediaState struct {
	User    User   `json:"user"`
	Kind    Media  `json:"kind"`
	Sending bool   `json:"sending"`
	TrackID string `json:"track_id"`
	Local   bool   `json:"local"`
}

// MediaTrack (media.track): A track is there.
type MediaTrack struct {
	User    User   `json:"user"`
	Kind    Media  `json:"kind"`
	TrackID string `json:"track_id"`
	Local   bool   `json:"local"`
}

// MediaVolume (media.volume): Levels 0..100 by address. Transient.
type MediaVolume struct {
	Levels map[string]int `json:"levels"`
}

// MediaNetwork (media.network): Network quality by address. Transient.
type MediaNetwork struct {
	Levels map[string]Quality `json:"levels"`
}

// CallProperty (call.property): A property of the call changed: screenShare,
// audioOutput, recordState, ….
type CallProperty struct {
	Changed   []string `json:"changed"`
	ShareUser User     `json:"share_user"`
}
