"""Image -> Face: model packs, detection, alignment, embedding, quality, enrolment of a photo."""
