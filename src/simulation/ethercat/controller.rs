//! One EtherCAT slave controller: its registers do what registers do when they are read and written.

use super::al_state::{AlState, Asked, code, may_follow};
use super::clock::Clock;
use super::datagram::{Addressing, Command, Datagram};
use super::mailbox::{Mailbox, Manners};
use super::memory::Memory;
use super::pulses::Pulses;
use super::sii;
use crate::simulation::{NetworkState, SimulatedDevice, SimulatedDeviceParameters};

/// Where the master writes its mailbox, by the SII.
pub const MAILBOX_RECEIVE: u16 = 0x1000;
/// Where it reads it.
pub const MAILBOX_SEND: u16 = 0x1080;
/// Length of each.
pub const MAILBOX_BYTES: u16 = 0x80;
/// The same in the bootstrap state.
pub const BOOT_RECEIVE: u16 = 0x1C00;
/// The same in the bootstrap state.
pub const BOOT_SEND: u16 = 0x1E00;
/// Length of each.
pub const BOOT_BYTES: u16 = 0x0200;
/// Where process data from the master stands: three buffers of it.
pub const OUTPUT_START: u16 = 0x1100;
/// Where process data to the master stands.
pub const INPUT_START: u16 = 0x1800;
/// Between two devices on the wire and back, nanoseconds.
pub const HOP_NS: u64 = 500;

const FMMUS: u16 = 8;
const FMMU: u16 = 0x0600;
const SYNC_MANAGERS: u16 = 8;
const SYNC_MANAGER: u16 = 0x0800;
/// The second byte of the data link's control: two bits a port.
const LOOP_CONTROL: u16 = 0x0101;
/// A port whose loop is closed whether it has a link or not.
const LOOP_CLOSED: u8 = 0b11;
const LINK_STATUS: u16 = 0x0110;
const AL_CONTROL: u16 = 0x0120;
const AL_STATUS: u16 = 0x0130;
const AL_STATUS_CODE: u16 = 0x0134;
const WATCHDOG_DIVIDER: u16 = 0x0400;
const WATCHDOG_PROCESS_DATA: u16 = 0x0420;
const WATCHDOG_STATUS: u16 = 0x0440;
const SII_CONTROL: u16 = 0x0502;
const SII_ADDRESS: u16 = 0x0504;
const SII_DATA: u16 = 0x0508;
const RECEIVE_TIMES: u16 = 0x0900;
const SYSTEM_TIME: u16 = 0x0910;
const PROCESSING_TIME: u16 = 0x0918;
const SYSTEM_TIME_OFFSET: u16 = 0x0920;
const SYSTEM_TIME_DELAY: u16 = 0x0928;
const DIFFERENCE: u16 = 0x092C;
const LOOP_START: u16 = 0x0930;
const ACTIVATION: u16 = 0x0981;
const SYNC_START: u16 = 0x0990;
const SYNC0_CYCLE: u16 = 0x09A0;
/// Shortest cycle of SYNC0 that a device takes, nanoseconds.
const SHORTEST_CYCLE_NS: u64 = 50_000;

/// One FMMU: logical addresses and the memory that they lead to.
#[derive(Clone, Copy, Debug)]
struct Fmmu {
    start: u32,
    end: u32,
    physical: u16,
    reads: bool,
    writes: bool,
}

/// A controller and the device behind it.
#[derive(Clone, Debug)]
pub struct Controller {
    memory: Memory,
    sii: Vec<u8>,
    /// The device.
    pub device: SimulatedDevice,
    mailbox: Mailbox,
    clock: Option<Clock>,
    pulses: Option<Pulses>,
    al: AlState,
    /// OP was asked for, and outputs are awaited.
    awaits_outputs: bool,
    outputs_written: bool,
    /// So many frames pass without its process data.
    deaf: u32,
    /// There is a link at port 0, and at port 1.
    links: [bool; 2],
    advanced_ns: Option<u64>,
    /// Its FMMUs that are on and lead to memory that is, beside each other: what stands in the registers of 64 controllers
    /// does not stay in the cache.
    fmmus: Vec<Fmmu>,
    /// First and end of their logical addresses. Most datagrams that pass are for others.
    mapped: (u32, u32),
    outputs: Vec<u8>,
    inputs: Vec<u8>,
}

impl Controller {
    /// A device at power-on, in INIT. `clock` is where its clock stands and how it drifts; `None` for none.
    pub fn new(
        parameters: &SimulatedDeviceParameters,
        period_ns: u64,
        alias: u16,
        clock: Option<Clock>,
    ) -> Result<Controller, String> {
        let device = SimulatedDevice::new(parameters, period_ns)?;
        let mut memory = Memory::new();
        // Type, revision, build; FMMUs, sync managers, RAM in KiB, ports 0 and 1 MII.
        memory.set(0x0000, &[0x11, 1, 1, 0, FMMUS as u8, 8, 4, 0x0F]);
        // No FMMU by bit; distributed clocks of 64 bits.
        memory.set(0x0008, &[1 | if clock.is_some() { 0x0C } else { 0 }, 0]);
        memory.set(0x0012, &alias.to_le_bytes());
        memory.set(AL_CONTROL, &[AlState::Init as u8, 0]);
        memory.set(AL_STATUS, &[AlState::Init as u8, 0]);
        memory.set(WATCHDOG_DIVIDER, &0x09C2_u16.to_le_bytes());
        memory.set(0x0410, &1000_u16.to_le_bytes());
        memory.set(WATCHDOG_PROCESS_DATA, &1000_u16.to_le_bytes());
        memory.set(LOOP_START, &0x1000_u16.to_le_bytes());
        memory.set(SII_CONTROL, &[0x40, 0]);
        let sii = sii::image(parameters, &device, alias, clock.is_some());
        Ok(Controller {
            memory,
            sii,
            device,
            mailbox: Mailbox::default(),
            clock,
            pulses: None,
            al: AlState::Init,
            awaits_outputs: false,
            outputs_written: false,
            deaf: 0,
            links: [false; 2],
            advanced_ns: None,
            fmmus: Vec::new(),
            mapped: (0, 0),
            outputs: Vec::new(),
            inputs: Vec::new(),
        })
    }

    /// The state of its application layer.
    pub fn al_state(&self) -> AlState {
        self.al
    }

    /// Its clock drifts differently from now on.
    pub fn set_drift(&mut self, drift_ppb: f64, now_ns: u64) {
        if let Some(clock) = &mut self.clock {
            clock.set_drift(drift_ppb, now_ns);
        }
    }

    /// The system time by its clock, nanoseconds; `None` without one.
    pub fn system_ns(&self, now_ns: u64) -> Option<u64> {
        self.clock.as_ref().map(|clock| clock.system_ns(now_ns, self.memory.u64(SYSTEM_TIME_OFFSET)))
    }

    /// It is of another kind: its SII names this product code.
    pub fn set_product(&mut self, product: u32) {
        if let Some(place) = self.sii.get_mut(0x14..0x18) {
            place.copy_from_slice(&product.to_le_bytes());
        }
    }

    /// SYNC0 stops; the application notices that it has no pulses any more.
    pub fn lose_sync(&mut self) {
        if let Some(pulses) = &mut self.pulses {
            pulses.stop();
        }
        self.fall_to(AlState::SafeOperational, code::SYNC_STOPPED);
    }

    /// Its buffers are off for so many frames of process data.
    pub fn set_deaf(&mut self, frames: u32) {
        self.deaf = frames;
    }

    /// The device sends an emergency.
    pub fn emergency(&mut self, code: u16, register: u8) {
        self.mailbox.emergency(&mut self.memory, code, register);
    }

    /// What it does to those who ask by mailbox from now on.
    pub fn set_manners(&mut self, manners: Manners) {
        self.mailbox.manners = manners;
    }

    /// Whether there is a link at port 0, and at port 1.
    pub fn set_links(&mut self, links: [bool; 2]) {
        self.links = links;
        self.show_ports();
    }

    /// Whether a frame leaves it through port 0 or 1: there is a link, and the loop is not closed for good.
    pub fn is_open(&self, port: usize) -> bool {
        let control = self.memory.u8(LOOP_CONTROL) >> (2 * port) & 0b11;
        self.links[port] && control != LOOP_CLOSED
    }

    fn show_ports(&mut self) {
        // The application is there and its watchdog is well; ports 2 and 3 are closed.
        let mut status: u16 = 0x5003;
        for port in 0..2 {
            // Link; then loop closed, or signal.
            status |= u16::from(self.links[port]) << (4 + port);
            status |= if self.is_open(port) { 0b10 } else { 0b01 } << (8 + 2 * port);
        }
        self.memory.set(LINK_STATUS, &status.to_le_bytes());
    }

    /// A datagram passes at `now_ns`. `behind` is how many controllers it comes to after this one before it is back; `None`
    /// where it is not.
    pub fn pass(&mut self, datagram: &mut Datagram<'_>, now_ns: u64, behind: Option<u64>) {
        let Some(command) = datagram.command else { return };
        match command.addressing {
            Addressing::Logical => {
                let work = self.pass_logical(command, datagram.logical(), datagram.data);
                datagram.count_work(work);
            }
            Addressing::Position | Addressing::PositionMultiple => {
                let meant = datagram.device() == 0;
                let multiple = command.addressing == Addressing::PositionMultiple;
                self.pass_physical(command, datagram, meant, multiple, now_ns, behind);
                datagram.count_device();
            }
            Addressing::Station | Addressing::StationMultiple => {
                let meant = datagram.device() == self.memory.u16(0x0010);
                let multiple = command.addressing == Addressing::StationMultiple;
                self.pass_physical(command, datagram, meant, multiple, now_ns, behind);
            }
            Addressing::Broadcast => {
                let mut work = 0;
                let (offset, length) = (datagram.offset(), datagram.data.len());
                if command.write && self.write(offset, datagram.data, now_ns, behind) {
                    work += if command.read { 2 } else { 1 };
                }
                if command.read {
                    self.refresh(offset, length, now_ns);
                    if let Some(own) = self.readable(offset, length) {
                        datagram.data.iter_mut().zip(own).for_each(|(byte, own)| *byte |= own);
                        work += 1;
                    }
                }
                datagram.count_device();
                datagram.count_work(work);
            }
        }
    }

    fn pass_physical(
        &mut self,
        command: Command,
        datagram: &mut Datagram<'_>,
        meant: bool,
        multiple: bool,
        now_ns: u64,
        behind: Option<u64>,
    ) {
        let offset = datagram.offset();
        let mut work = 0;
        let (reads, writes) = match (multiple, meant) {
            (true, true) => (true, false),
            (true, false) => (false, true),
            (false, true) => (command.read, command.write),
            (false, false) => return,
        };
        if reads {
            // With a read and a write, what was there is read.
            let mut found = [0; 1500];
            let found = &mut found[..datagram.data.len()];
            let read = self.read(offset, found, now_ns);
            if writes && self.write(offset, datagram.data, now_ns, behind) {
                work += 2;
            }
            if read {
                datagram.data.copy_from_slice(found);
                work += 1;
            }
        } else if self.write(offset, datagram.data, now_ns, behind) {
            work += 1;
        }
        datagram.count_work(work);
    }

    fn pass_logical(&mut self, command: Command, logical: u32, data: &mut [u8]) -> u16 {
        if self.deaf > 0 && self.memory.u8(FMMU + 12) & 1 != 0 && self.memory.u32(FMMU) == logical {
            self.deaf -= 1;
            return 0;
        }
        let logical_end = logical.saturating_add(data.len() as u32);
        if logical >= self.mapped.1 || logical_end <= self.mapped.0 {
            return 0;
        }
        let (mut read, mut written, mut registers) = (false, false, false);
        // What a device writes out of a frame is what the frame brought, so that comes first.
        for writing in [true, false] {
            if writing && !command.write || !writing && !command.read {
                continue;
            }
            for fmmu in self.fmmus.iter().filter(|fmmu| if writing { fmmu.writes } else { fmmu.reads }) {
                let (first, end) = (fmmu.start.max(logical), fmmu.end.min(logical_end));
                if first >= end {
                    continue;
                }
                let here = &mut data[(first - logical) as usize..(end - logical) as usize];
                let address = fmmu.physical.wrapping_add((first - fmmu.start) as u16);
                let Some(memory) = self.memory.get_mut(address, here.len()) else { continue };
                if writing {
                    memory.copy_from_slice(here);
                    written = true;
                    registers |= address < MAILBOX_RECEIVE;
                } else {
                    here.copy_from_slice(memory);
                    read = true;
                }
            }
        }
        if registers {
            // An FMMU may lead to the registers of the FMMUs.
            self.look_at_fmmus();
        }
        if written {
            self.outputs_arrived();
        }
        match (command.read && command.write, read, written) {
            (true, read, written) => u16::from(read) + 2 * u16::from(written),
            (false, read, written) => u16::from(read || written),
        }
    }

    /// Registers of FMMUs or sync managers have changed.
    fn look_at_fmmus(&mut self) {
        self.fmmus.clear();
        for number in 0..FMMUS {
            let at = FMMU + 16 * number;
            let (start, physical) = (self.memory.u32(at), self.memory.u16(at + 8));
            let end = start.saturating_add(u32::from(self.memory.u16(at + 4)));
            let direction = self.memory.u8(at + 11);
            if self.memory.u8(at + 12) & 1 != 0 && self.is_on(physical) {
                let (reads, writes) = (direction & 1 != 0, direction & 2 != 0);
                self.fmmus.push(Fmmu { start, end, physical, reads, writes });
            }
        }
        let mapped = self.fmmus.iter().map(|fmmu| (fmmu.start, fmmu.end));
        let around = mapped.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
        self.mapped = around.unwrap_or((0, 0));
    }

    /// Whether the sync manager at this address is on; where there is none, memory is memory.
    fn is_on(&self, address: u16) -> bool {
        let managers = (0..SYNC_MANAGERS).map(|number| SYNC_MANAGER + 8 * number);
        let mut of_it = managers.filter(|at| self.memory.u16(*at) == address && self.memory.u16(at + 2) > 0);
        match (address, of_it.next()) {
            (_, Some(at)) => self.memory.u8(at + 6) & 1 != 0,
            (OUTPUT_START | INPUT_START, None) => false,
            _ => true,
        }
    }

    fn read(&mut self, offset: u16, into: &mut [u8], now_ns: u64) -> bool {
        self.refresh(offset, into.len(), now_ns);
        if let Some(taken) = self.mailbox.read(&mut self.memory, offset, into) {
            return taken;
        }
        match self.readable(offset, into.len()) {
            Some(own) => {
                into.copy_from_slice(own);
                true
            }
            None => false,
        }
    }

    fn readable(&self, offset: u16, length: usize) -> Option<&[u8]> {
        self.memory.get(offset, length)
    }

    /// Brings registers up to date that change by themselves.
    fn refresh(&mut self, offset: u16, length: usize, now_ns: u64) {
        let touches = |register: u16, bytes: usize| {
            usize::from(offset) < usize::from(register) + bytes && usize::from(register) < usize::from(offset) + length
        };
        if let Some(clock) = &self.clock {
            if touches(SYSTEM_TIME, 8) {
                let system = clock.system_ns(now_ns, self.memory.u64(SYSTEM_TIME_OFFSET));
                self.memory.set(SYSTEM_TIME, &system.to_le_bytes());
            }
            // Once it runs, the start is that of the next pulse.
            if touches(SYNC_START, 8)
                && let Some(next_ns) = self.pulses.and_then(|pulses| pulses.next_ns())
            {
                self.memory.set(SYNC_START, &next_ns.to_le_bytes());
            }
            if touches(DIFFERENCE, 4) {
                self.memory.set(DIFFERENCE, &clock.difference_register().to_le_bytes());
            }
        }
    }

    fn write(&mut self, offset: u16, data: &[u8], now_ns: u64, behind: Option<u64>) -> bool {
        if let Some(taken) = self.mailbox.write(&mut self.memory, &mut self.device, self.al, offset, data) {
            return taken;
        }
        let end = usize::from(offset) + data.len();
        let covers = |register: u16| usize::from(offset) <= usize::from(register) && usize::from(register) < end;
        if self.memory.get(offset, data.len()).is_none() {
            return false;
        }
        match offset {
            // Identity of the controller, data link status, AL status: not to be written.
            0x0000..=0x000F | 0x0110..=0x0111 | 0x0130..=0x0135 => return true,
            SYSTEM_TIME => {
                if let (Some(clock), Some(received)) = (&mut self.clock, data.first_chunk::<8>()) {
                    let (offset, delay) = (self.memory.u64(SYSTEM_TIME_OFFSET), self.memory.u32(SYSTEM_TIME_DELAY));
                    clock.compare(u64::from_le_bytes(*received), delay, offset, now_ns);
                } else if let (Some(clock), Some(received)) = (&mut self.clock, data.first_chunk::<4>()) {
                    // The lower half alone.
                    let (offset, delay) = (self.memory.u64(SYSTEM_TIME_OFFSET), self.memory.u32(SYSTEM_TIME_DELAY));
                    let own = clock.system_ns(now_ns, offset);
                    let received = own & !0xFFFF_FFFF | u64::from(u32::from_le_bytes(*received));
                    clock.compare(received, delay, offset, now_ns);
                }
                return true;
            }
            RECEIVE_TIMES => {
                self.latch(now_ns, behind);
                return true;
            }
            _ => self.memory.set(offset, data),
        }
        let covers_any = |first: u16, after: u16| usize::from(offset) < usize::from(after) && end > usize::from(first);
        if covers_any(FMMU, FMMU + 16 * FMMUS) || covers_any(SYNC_MANAGER, SYNC_MANAGER + 8 * SYNC_MANAGERS) {
            self.look_at_fmmus();
        }
        if covers(LOOP_CONTROL) {
            self.show_ports();
        }
        if covers(AL_CONTROL) {
            self.change_state(self.memory.u8(AL_CONTROL));
        }
        if covers(SII_CONTROL + 1) {
            self.access_sii();
        }
        if (covers(LOOP_START) || covers(SYSTEM_TIME_OFFSET))
            && let Some(clock) = &mut self.clock
        {
            clock.reset(now_ns);
        }
        if covers(ACTIVATION) {
            self.activate(now_ns);
        }
        if covers(0x080E) {
            self.mailbox.activation_written(&mut self.memory);
        }
        if covers(OUTPUT_START) {
            self.outputs_arrived();
        }
        if covers(WATCHDOG_PROCESS_DATA) || covers(WATCHDOG_DIVIDER) {
            let tick_ns = (u64::from(self.memory.u16(WATCHDOG_DIVIDER)) + 2) * 40;
            self.device.set_watchdog_ns(u64::from(self.memory.u16(WATCHDOG_PROCESS_DATA)) * tick_ns);
        }
        true
    }

    /// The frame's times at the ports: in, and back from what is behind.
    fn latch(&mut self, now_ns: u64, behind: Option<u64>) {
        let Some(clock) = &self.clock else { return };
        let here = clock.local_ns(now_ns);
        self.memory.set(RECEIVE_TIMES, &(here as u32).to_le_bytes());
        let back = behind.filter(|behind| *behind > 0).map(|behind| clock.local_ns(now_ns + 2 * behind * HOP_NS));
        self.memory.set(RECEIVE_TIMES + 4, &back.map_or(0, |back| back as u32).to_le_bytes());
        self.memory.set(PROCESSING_TIME, &here.to_le_bytes());
    }

    fn access_sii(&mut self) {
        let address = self.memory.u32(SII_ADDRESS) as usize * 2;
        match self.memory.u8(SII_CONTROL + 1) & 0x07 {
            1 => {
                let mut bytes = [0xFF; 8];
                let found = self.sii.get(address..).unwrap_or_default();
                bytes.iter_mut().zip(found).for_each(|(byte, found)| *byte = *found);
                self.memory.set(SII_DATA, &bytes);
            }
            2 if self.memory.u8(SII_CONTROL) & 1 != 0 => {
                let word = self.memory.u16(SII_DATA).to_le_bytes();
                if let Some(place) = self.sii.get_mut(address..address + 2) {
                    place.copy_from_slice(&word);
                }
            }
            _ => {}
        }
        // Eight bytes at once, not busy, no error.
        self.memory.set(SII_CONTROL, &[0x40, 0]);
    }

    /// SYNC0 is switched on or off.
    fn activate(&mut self, now_ns: u64) {
        let on = self.memory.u8(ACTIVATION) & 3 == 3;
        let (period_ns, start_ns) = (u64::from(self.memory.u32(SYNC0_CYCLE)), self.memory.u64(SYNC_START));
        let clock = self.clock.as_ref().filter(|_| on && period_ns > 0);
        self.pulses = clock.map(|clock| {
            let system_ns = clock.system_ns(now_ns, self.memory.u64(SYSTEM_TIME_OFFSET));
            Pulses::starting(period_ns, start_ns, system_ns)
        });
    }

    fn change_state(&mut self, control: u8) {
        let has_error = self.memory.u8(AL_STATUS) & 0x10 != 0;
        if has_error && control & 0x10 == 0 && control & 0x0F != AlState::Init as u8 {
            return;
        }
        let wanted = match Asked::of(control) {
            Asked::State(wanted) => wanted,
            Asked::Unknown => return self.refuse(code::UNKNOWN_STATE),
        };
        if !may_follow(self.al, wanted) {
            return self.refuse(code::INVALID_CHANGE);
        }
        self.awaits_outputs = false;
        match (self.al, wanted) {
            (AlState::Init, AlState::PreOperational)
                if !self.has_mailboxes([MAILBOX_RECEIVE, MAILBOX_SEND], MAILBOX_BYTES) =>
            {
                return self.refuse(code::MAILBOX);
            }
            (AlState::Init, AlState::Bootstrap) if !self.has_mailboxes([BOOT_RECEIVE, BOOT_SEND], BOOT_BYTES) => {
                return self.refuse(code::BOOT_MAILBOX);
            }
            (AlState::PreOperational, AlState::SafeOperational) => {
                let (outputs, inputs) = self.device.process_data_bytes();
                for (at, start, bytes, refusal) in
                    [(0x0810, OUTPUT_START, outputs, code::OUTPUTS), (0x0818, INPUT_START, inputs, code::INPUTS)]
                {
                    let on = self.memory.u8(at + 6) & 1 != 0;
                    let same = self.memory.u16(at) == start && usize::from(self.memory.u16(at + 2)) == bytes;
                    if on != (bytes > 0) || on && !same {
                        return self.refuse(refusal);
                    }
                }
                if self.pulses.is_some_and(|pulses| pulses.period_ns() < SHORTEST_CYCLE_NS) {
                    return self.refuse(code::SYNC_CYCLE);
                }
                self.outputs = vec![0; outputs];
                self.inputs = vec![0; inputs];
                self.sample_inputs();
            }
            (AlState::SafeOperational, AlState::Operational) => {
                if self.pulses.is_some_and(|pulses| pulses.never_come()) {
                    return self.refuse(code::NO_SYNC);
                }
                if !self.outputs.is_empty() && !self.outputs_written {
                    self.awaits_outputs = true;
                    return self.tell(self.al, 0);
                }
            }
            _ => {}
        }
        self.enter(wanted);
    }

    /// Sync managers 0 and 1 are on, and are these mailboxes.
    fn has_mailboxes(&self, starts: [u16; 2], bytes: u16) -> bool {
        [0x0800, 0x0808].into_iter().zip(starts).all(|(at, start)| {
            self.memory.u16(at) == start && self.memory.u16(at + 2) == bytes && self.memory.u8(at + 6) & 1 != 0
        })
    }

    fn enter(&mut self, state: AlState) {
        if state == AlState::Init {
            self.mailbox.reset();
        }
        if state < AlState::SafeOperational {
            self.outputs_written = false;
        }
        self.tell(state, 0);
        self.device.set_network_state(match state {
            AlState::Init | AlState::PreOperational | AlState::Bootstrap => NetworkState::PreOperational,
            AlState::SafeOperational => NetworkState::SafeOperational,
            AlState::Operational => NetworkState::Operational,
        });
        if state == AlState::Operational && self.pulses.is_none() {
            self.latch_outputs();
        }
    }

    fn refuse(&mut self, code: u16) {
        self.tell(self.al, code);
    }

    /// Falls back by itself, as after an expired watchdog.
    pub fn fall_to(&mut self, state: AlState, code: u16) {
        self.device.set_network_state(match state {
            AlState::Init | AlState::PreOperational | AlState::Bootstrap => NetworkState::PreOperational,
            AlState::SafeOperational | AlState::Operational => NetworkState::SafeOperational,
        });
        self.outputs_written = false;
        self.tell(state, code);
    }

    fn tell(&mut self, state: AlState, code: u16) {
        self.al = state;
        let error = if code == 0 { 0 } else { 0x10 };
        self.memory.set(AL_STATUS, &[state as u8 | error, 0]);
        self.memory.set(AL_STATUS_CODE, &code.to_le_bytes());
    }

    /// The last byte of the outputs was written.
    fn outputs_arrived(&mut self) {
        if self.al < AlState::SafeOperational {
            return;
        }
        self.outputs_written = true;
        self.memory.set(WATCHDOG_STATUS, &[1, 0]);
        if self.awaits_outputs {
            self.awaits_outputs = false;
            self.enter(AlState::Operational);
        }
        // Without SYNC0 a device acts when outputs arrive.
        if self.pulses.is_none() {
            self.latch_outputs();
            self.sample_inputs();
        }
    }

    fn latch_outputs(&mut self) {
        if let Some(bytes) = self.memory.get(OUTPUT_START, self.outputs.len()) {
            self.outputs.copy_from_slice(bytes);
            self.device.write_process_data(&self.outputs);
        }
    }

    fn sample_inputs(&mut self) {
        if !self.inputs.is_empty() {
            self.device.read_process_data(&mut self.inputs);
            self.memory.set(INPUT_START, &self.inputs);
        }
    }

    /// The device goes on to `now_ns`; with SYNC0 it samples and latches at each pulse. A gap of more than `most` pulses is
    /// passed in one step.
    pub fn advance(&mut self, now_ns: u64, most: u32) {
        let mut at_ns = self.advanced_ns.unwrap_or(now_ns);
        for _ in 0..most {
            let Some((pulse_ns, next)) = self.next_pulse(now_ns) else { break };
            let pulse_ns = pulse_ns.max(at_ns);
            self.run(pulse_ns - at_ns);
            at_ns = pulse_ns;
            if self.al >= AlState::SafeOperational {
                self.sample_inputs();
            }
            // Outputs that came once count as long as the watchdog lets them.
            if self.al == AlState::Operational && std::mem::take(&mut self.outputs_written) {
                self.latch_outputs();
            }
            self.pulses = Some(next);
        }
        self.run(now_ns.saturating_sub(at_ns));
        self.advanced_ns = Some(now_ns.max(at_ns));
        if self.pulses.is_none() && self.device.process_data_bytes().0 == 0 && self.al >= AlState::SafeOperational {
            // Nothing is written to it that could make it sample.
            self.sample_inputs();
        }
    }

    /// The device goes on to `now_ns` without supply.
    pub fn coast(&mut self, now_ns: u64) {
        let since_ns = self.advanced_ns.replace(now_ns).unwrap_or(now_ns);
        self.device.advance(now_ns.saturating_sub(since_ns));
    }

    fn run(&mut self, duration_ns: u64) {
        if duration_ns == 0 {
            return;
        }
        self.device.advance(duration_ns);
        if self.al == AlState::Operational && self.device.watchdog_expired() {
            self.memory.set(WATCHDOG_STATUS, &[0, 0]);
            self.tell(AlState::SafeOperational, code::WATCHDOG);
        }
    }

    /// The next pulse of SYNC0 if it comes up to `now_ns`, in the time of the simulation.
    fn next_pulse(&self, now_ns: u64) -> Option<(u64, Pulses)> {
        let (clock, pulses) = (self.clock.as_ref()?, self.pulses?);
        let (ago_ns, next) = pulses.passed(clock.system_ns(now_ns, self.memory.u64(SYSTEM_TIME_OFFSET)))?;
        Some((now_ns.saturating_sub(ago_ns), next))
    }
}
