//! Between the software token and the reader that it is a card in: lets everything pass, until it is told to spoil one
//! command.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// What happens to one command.
#[derive(Clone)]
pub struct Spoil {
    /// INS of the command.
    pub instruction: u8,
    /// From 1: which of the commands with it.
    pub occurrence: u32,
    pub when: When,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The card never hears of it.
    Before,
    /// The card has done it.
    After,
}

/// Makes a response of the right one.
pub type Answer = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

#[derive(Clone)]
pub enum How {
    /// Another response, made of the card's own (empty where it never heard of the command).
    Answer(Answer),
    /// No response at all.
    Silence,
    /// The card's own, later.
    Later(Duration),
    /// Something is done to the world meanwhile, and there is no response.
    Act(Arc<dyn Fn() + Send + Sync>),
}

/// The address a card connects to in place of its reader's. Its threads end with the connections.
pub struct Meddler {
    pub address: String,
    order: Arc<Mutex<Order>>,
}

#[derive(Default)]
struct Order {
    spoil: Option<Spoil>,
    /// For the next response.
    pending: Option<How>,
    struck: bool,
    /// The card's and the reader's.
    open: Vec<TcpStream>,
}

impl Meddler {
    /// Before the reader behind this port.
    pub fn new(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let order = Arc::<Mutex<Order>>::default();
        let shared = order.clone();
        thread::spawn(move || {
            for card in listener.incoming().flatten() {
                // Where no service listens the card finds its reader closed.
                let Ok(reader) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                connect(card, reader, &shared);
            }
        });
        Self { address, order }
    }

    pub fn arm(&self, spoil: Spoil) {
        let mut order = lock(&self.order);
        (order.spoil, order.struck) = (Some(spoil), false);
    }

    /// Lets everything pass again; tells whether the command came.
    pub fn disarm(&self) -> bool {
        let mut order = lock(&self.order);
        (order.spoil, order.pending) = (None, None);
        order.struck
    }

    /// Ends the connections, so that nobody waits for a response that does not come.
    pub fn cut(&self) {
        for connection in lock(&self.order).open.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn connect(card: TcpStream, reader: TcpStream, order: &Arc<Mutex<Order>>) {
    let _ = (card.set_nodelay(true), reader.set_nodelay(true));
    lock(order).open = vec![card.try_clone().unwrap(), reader.try_clone().unwrap()];
    let (mut from_card, mut to_card) = (card.try_clone().unwrap(), card);
    let (mut from_reader, mut to_reader) = (reader.try_clone().unwrap(), reader);
    let mut answers = to_reader.try_clone().unwrap();
    let asked = order.clone();
    thread::spawn(move || {
        let _ = commands(&mut from_reader, &mut to_card, &mut answers, &asked);
        let _ = (from_reader.shutdown(Shutdown::Both), to_card.shutdown(Shutdown::Both));
    });
    let asked = order.clone();
    thread::spawn(move || {
        let _ = responses(&mut from_card, &mut to_reader, &asked);
        let _ = (from_card.shutdown(Shutdown::Both), to_reader.shutdown(Shutdown::Both));
    });
}

fn commands(
    from: &mut TcpStream,
    card: &mut TcpStream,
    reader: &mut TcpStream,
    order: &Mutex<Order>,
) -> io::Result<()> {
    loop {
        let frame = read(from)?;
        match struck(&frame, order) {
            None => write(card, &frame)?,
            Some(Spoil { when: When::After, how, .. }) => {
                lock(order).pending = Some(how);
                write(card, &frame)?;
            }
            Some(Spoil { how, .. }) => match how {
                How::Answer(answer) => write(reader, &answer(&[]))?,
                How::Silence => {}
                How::Later(time) => {
                    thread::sleep(time);
                    write(card, &frame)?;
                }
                How::Act(act) => act(),
            },
        }
    }
}

fn responses(from: &mut TcpStream, reader: &mut TcpStream, order: &Mutex<Order>) -> io::Result<()> {
    loop {
        let frame = read(from)?;
        let pending = lock(order).pending.take();
        match pending {
            None => write(reader, &frame)?,
            Some(How::Answer(answer)) => write(reader, &answer(&frame))?,
            Some(How::Silence) => {}
            Some(How::Later(time)) => {
                thread::sleep(time);
                write(reader, &frame)?;
            }
            Some(How::Act(act)) => act(),
        }
    }
}

/// The order, where this is the command that it is for.
fn struck(frame: &[u8], order: &Mutex<Order>) -> Option<Spoil> {
    let mut order = lock(order);
    let spoil = order.spoil.as_mut().filter(|spoil| frame.len() > 1 && frame[1] == spoil.instruction)?;
    spoil.occurrence -= 1;
    if spoil.occurrence > 0 {
        return None;
    }
    order.struck = true;
    order.spoil.take()
}

fn read(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut len = [0; 2];
    from.read_exact(&mut len)?;
    let mut frame = vec![0; u16::from_be_bytes(len).into()];
    from.read_exact(&mut frame)?;
    Ok(frame)
}

fn write(to: &mut TcpStream, frame: &[u8]) -> io::Result<()> {
    let len = u16::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&[&len.to_be_bytes(), frame].concat())
}

fn lock(order: &Mutex<Order>) -> MutexGuard<'_, Order> {
    order.lock().unwrap_or_else(PoisonError::into_inner)
}
