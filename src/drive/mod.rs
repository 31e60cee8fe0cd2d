//! CiA 402 drives, one object an axis. Pure: it takes the axis's bytes of the process image and gives
//! bytes back, and never knows which bus carries them.
