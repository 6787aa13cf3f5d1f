"""What runs while a camera or a microphone is on: newest-frame-wins workers, WebRTC tracks, microphone windows."""
