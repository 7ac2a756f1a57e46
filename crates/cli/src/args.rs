//! The words of the command line. Their Chinese explanations stand here, the English ones in `help.en.toml`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ycd_assistant::data_dir::PathOverrides;
use ycd_flows::messages::Language;
use ycd_portal_api::wire::orders::PublicStatus;

/// 云采盾证书助手的命令行
#[derive(Debug, Parser)]
#[command(name = "ycd", version, disable_help_subcommand = false, propagate_version = false)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Common {
    /// 助手的数据文件夹：设置、登录状态、进度
    #[arg(long, global = true, env = "YCD_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// 语言
    #[arg(long, global = true, env = "YCD_LANG", value_enum, default_value_t = Lang::Zh, hide_env = true)]
    pub lang: Lang,
    /// 输出 JSON：每个事件一行，最后一行是结果
    #[arg(long, global = true)]
    pub json: bool,
    /// 门户地址，代替设置中的地址
    #[arg(long, global = true, env = "YCD_PORTAL", value_name = "URL")]
    pub portal: Option<String>,
    /// 管理员的驱动配置文件夹
    #[arg(long, global = true, env = "YCD_DRIVERS_DIR", value_name = "DIR")]
    pub drivers: Option<PathBuf>,
    /// 软件 USBKEY 所在的文件夹
    #[arg(long, global = true, env = "YCD_SOFTKEY_DIR", value_name = "DIR")]
    pub softkey_dir: Option<PathBuf>,
}

impl Common {
    pub fn path_overrides(&self) -> PathOverrides {
        PathOverrides {
            data_dir: self.data_dir.clone(),
            portal: self.portal.clone(),
            drivers: self.drivers.clone(),
            softkey_dir: self.softkey_dir.clone(),
            provision: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    Zh,
    En,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Zh => Self::Zh,
            Lang::En => Self::En,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// 本机插入的 USBKEY
    #[command(subcommand)]
    Token(Token),
    /// 证书
    #[command(subcommand)]
    Cert(Cert),
    /// 订单
    #[command(subcommand)]
    Order(Order),
    /// 用手机号和短信验证码登录门户
    Login(Login),
    /// 软件 USBKEY
    #[command(subcommand)]
    Softkey(Softkey),
    /// 门户：设定要用的，或在本机运行一个
    #[command(subcommand)]
    Portal(Portal),
    /// 门户工作人员的操作
    #[command(subcommand)]
    Operator(Operator),
    /// 解锁：口令锁定或忘记时设置新口令，不需要登录
    Unlock(Unlock),
    /// USBKEY 的驱动
    #[command(subcommand)]
    Driver(Driver),
    /// 检查本机：读卡器、驱动、USBKEY、文件夹、门户
    Doctor,
}

#[derive(Debug, Subcommand)]
pub enum Token {
    /// 列出插入的 USBKEY
    List,
    /// 一支 USBKEY 上有什么
    Info {
        /// 尾号、序列号或完整编号；只插了一支时不用给
        token: Option<String>,
    },
    /// 修改口令：依次输入旧口令、新口令、再输一次新口令
    Pin(ChangePin),
    /// 报告 USBKEY 的插入和拔出
    Watch {
        /// 这么多个事件之后结束
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
}

#[derive(Debug, Args)]
pub struct ChangePin {
    /// 尾号、序列号或完整编号；只插了一支时不用给
    #[arg(long, value_name = "KEY")]
    pub token: Option<String>,
    #[command(flatten)]
    pub pin: PinArgs,
    /// 同意：使用容易被猜到的新口令
    #[arg(long)]
    pub accept_weak: bool,
    /// 同意：只剩最后一次尝试时仍然发送口令
    #[arg(long)]
    pub last_try: bool,
}

#[derive(Debug, Args)]
pub struct Unlock {
    /// 解锁订单号；不给时用这支 USBKEY 未完成的那个，没有就新建
    pub order: Option<String>,
    /// 尾号、序列号或完整编号；只插了一支时不用给
    #[arg(long, value_name = "KEY")]
    pub token: Option<String>,
    #[command(flatten)]
    pub pin: PinArgs,
    #[command(flatten)]
    pub code: CodeArgs,
    /// 没有锁定，但忘记了口令
    #[arg(long)]
    pub forgotten: bool,
    /// 上次已设置新口令，还记得：先读取它
    #[arg(long)]
    pub pin_was_set: bool,
    /// 同意：使用容易被猜到的新口令
    #[arg(long)]
    pub accept_weak: bool,
    /// 证书使用商（需要审核的项目）
    #[arg(long, value_name = "TEXT")]
    pub used_at: Option<String>,
    /// 备注（需要审核的项目）
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// USBKEY 不在时等多少秒；0 不等
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Cert {
    /// 我的证书
    List {
        /// 持有人、序列号或 USBKEY 编号的一部分
        text: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// 一张证书
    Show {
        /// 序列号，门户上的证书
        #[arg(required_unless_present = "file")]
        serial: Option<String>,
        /// 证书文件（PEM 或 DER）
        #[arg(long, conflicts_with = "serial", value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// 把新证书写入 USBKEY；中断后再次运行即继续
    Renew(Renew),
    /// 把 USBKEY 上最新的证书登记到 Windows 证书库（更新时已自动登记）
    Register {
        /// 尾号、序列号或完整编号；只插了一支时不用给
        token: Option<String>,
    },
    /// Windows 证书库中的证书，及各自的提供程序
    Registered,
    /// 检查证书：签发机构、期限、用途、吊销
    Verify {
        /// 证书文件；不给时检查插入的 USBKEY 上的证书
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// 中间证书文件（PEM），可多次
        #[arg(long, value_name = "FILE")]
        chain: Vec<PathBuf>,
        /// 信任的根证书文件（PEM），代替设置中的
        #[arg(long, value_name = "FILE")]
        anchor: Vec<PathBuf>,
        /// 吊销列表文件（PEM 或 DER），可多次
        #[arg(long, value_name = "FILE")]
        crl: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Renew {
    /// 订单号；不给时取这支 USBKEY 待更新的那一个
    pub order: Option<String>,
    #[command(flatten)]
    pub pin: PinArgs,
    #[command(flatten)]
    pub code: CodeArgs,
    /// 没有插入或插错时等待的秒数；在终端中默认一直等
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u64>,
    /// 沿用原密钥对（产品或 USBKEY 只允许这样时）
    #[arg(long)]
    pub same_key_pair: bool,
    /// 同意：完成后移除旧密钥对
    #[arg(long)]
    pub remove_old: bool,
    /// 同意：没有空间时先移除旧密钥对，不能恢复
    #[arg(long)]
    pub agree_to_replace: bool,
    /// 同意：只剩最后一次尝试时仍然发送口令
    #[arg(long)]
    pub last_try: bool,
    /// 放弃订单正在进行的这次尝试
    #[arg(long, conflicts_with_all = ["same_key_pair", "remove_old"])]
    pub abandon: bool,
    /// 把请求、旧证书、新证书和证书链留在这个文件夹
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Order {
    /// 我的订单
    List(OrderSearch),
    /// 一个订单和它的经过
    Show { order: String },
    /// 为一张证书下单：更新或过期初购
    Create {
        /// 证书序列号
        #[arg(long, value_name = "SERIAL")]
        certificate: String,
        /// 年限
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
        years: u8,
        /// 订单种类
        #[arg(long, value_enum, default_value_t = OrderKind::Renewal)]
        kind: OrderKind,
        /// 产品代码；不给时与证书相同
        #[arg(long)]
        product: Option<String>,
        /// 表单文件（JSON）；不给时沿用上次填写的
        #[arg(long, value_name = "FILE")]
        form: Option<PathBuf>,
    },
    /// 提交订单：确认内容、同意协议、短信验证，然后转账付款
    Submit {
        order: String,
        /// 表单文件（JSON）
        #[arg(long, value_name = "FILE")]
        form: Option<PathBuf>,
        /// 我已阅读并同意协议
        #[arg(long)]
        agree: bool,
        /// 同意：USBKEY 没有空间时，更新时先移除旧密钥对，不能恢复
        #[arg(long)]
        agree_to_replace: bool,
        #[command(flatten)]
        code: CodeArgs,
        /// 只发送验证码
        #[arg(long, conflicts_with = "agree")]
        send_code: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OrderKind {
    Renewal,
    ExpiredPurchase,
}

#[derive(Debug, Args)]
pub struct OrderSearch {
    /// 状态，如 awaiting_renewal
    #[arg(long, value_parser = public_status)]
    pub state: Option<PublicStatus>,
    /// 订单号的一部分
    #[arg(long)]
    pub no: Option<String>,
    /// 企业名称的一部分
    #[arg(long)]
    pub company: Option<String>,
    #[command(flatten)]
    pub page: PageArgs,
}

fn public_status(name: &str) -> Result<PublicStatus, String> {
    let known = || PublicStatus::ALL.map(PublicStatus::name).join(", ");
    PublicStatus::ALL.into_iter().find(|state| state.name() == name).ok_or_else(known)
}

#[derive(Debug, Args)]
pub struct PageArgs {
    /// 第几页
    #[arg(long, value_name = "N")]
    pub page: Option<u32>,
    /// 每页条数
    #[arg(long, value_name = "N")]
    pub page_size: Option<u32>,
}

#[derive(Debug, Args)]
pub struct Login {
    /// 经办人手机号
    #[arg(long, required_unless_present = "out")]
    pub phone: Option<String>,
    #[command(flatten)]
    pub code: CodeArgs,
    /// 只发送验证码
    #[arg(long)]
    pub send_code: bool,
    /// 退出登录
    #[arg(long, conflicts_with_all = ["phone", "send_code"])]
    pub out: bool,
}

/// PINs never stand in arguments, where every program of the machine can read them.
#[derive(Debug, Default, Args)]
pub struct PinArgs {
    /// 从这个文件描述符读取口令，每次一行
    #[cfg(unix)]
    #[arg(long, value_name = "N", conflicts_with = "pin_stdin")]
    pub pin_fd: Option<u32>,
    /// 从标准输入读取口令，每次一行
    #[arg(long)]
    pub pin_stdin: bool,
}

#[derive(Debug, Args)]
pub struct CodeArgs {
    /// 从这个文件描述符读取短信验证码，每次一行
    #[cfg(unix)]
    #[arg(long, value_name = "N", conflicts_with = "code_stdin")]
    pub code_fd: Option<u32>,
    /// 从标准输入读取短信验证码，每次一行
    #[arg(long)]
    pub code_stdin: bool,
}

#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// 从这个文件描述符读取密码
    #[cfg(unix)]
    #[arg(long, value_name = "N", conflicts_with = "password_stdin")]
    pub password_fd: Option<u32>,
    /// 从标准输入读取密码
    #[arg(long)]
    pub password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub enum Softkey {
    /// 新建一支，初始口令 12345678
    Create {
        /// 名称
        #[arg(long)]
        label: String,
        /// 序列号；不给时随机
        #[arg(long)]
        serial: Option<String>,
        /// 能放几对密钥
        #[arg(long, value_name = "N")]
        containers: Option<u32>,
        /// 用户口令连续输错几次锁定
        #[arg(long, value_name = "N")]
        retry_limit: Option<u32>,
        /// 新建后不插入
        #[arg(long)]
        removed: bool,
        /// 显示管理员口令（仅此一次）
        #[arg(long)]
        show_so_pin: bool,
    },
    /// 插入
    Insert { serial: String },
    /// 拔出
    Remove { serial: String },
    /// 列出
    List,
    /// 作为智能卡插入虚拟读卡器，直到按 Ctrl-C；结束时视为拔出
    Card {
        serial: String,
        /// 读卡器的地址
        #[arg(long, value_name = "HOST:PORT")]
        reader: String,
        /// 开始时就插入；不给时等到 ycd softkey insert
        #[arg(long)]
        insert: bool,
    },
    /// 让它的应答如同另一种 USBKEY，用于演示和测试
    Emulate {
        serial: String,
        #[command(flatten)]
        source: EmulationSource,
    },
    /// 让它按要求出错；不给任何参数时列出现有的
    Fault(Fault),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct EmulationSource {
    /// 驱动配置的名称，如 haitai；softkey 是它自己的样子
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// 描述编号和习惯的文件（JSON），或某种 USBKEY 的 .reference.json
    #[arg(long, value_name = "FILE")]
    pub emulation: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Fault {
    /// 只对这一支；不给时对所有
    pub serial: Option<String>,
    /// 在第几次调用时
    #[arg(long, value_name = "N", conflicts_with = "function")]
    pub call: Option<u64>,
    /// 在哪个 PKCS#11 函数，如 C_Sign
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// 该函数的第几次调用
    #[arg(long, value_name = "K", default_value_t = 1, requires = "function")]
    pub occurrence: u64,
    /// unplug, hang, crash, eat, code=0x30, delay=毫秒, torn=private_key|public_key|nothing, length=N|+N|-N（报告的长度或个数）, print=字节, hoard=MiB（占用内存）
    #[arg(long = "do", value_name = "ACTION")]
    pub action: Option<String>,
    /// 在调用生效之后
    #[arg(long)]
    pub after: bool,
    /// 从那次起每次都出错
    #[arg(long)]
    pub always: bool,
    /// 清除所有故障
    #[arg(long, conflicts_with_all = ["call", "function", "action"])]
    pub clear: bool,
}

#[derive(Debug, Subcommand)]
pub enum Portal {
    /// 设定助手使用的门户和信任的根证书
    Use {
        url: String,
        /// 根证书文件（PEM），可多次
        #[arg(long, required = true, value_name = "FILE")]
        anchor: Vec<PathBuf>,
    },
    /// 在文件夹中新建一个门户：数据库、证书机构、管理员
    #[cfg(feature = "portal")]
    Init {
        /// 门户的文件夹
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        #[command(flatten)]
        clock: ClockArgs,
    },
    /// 运行门户
    #[cfg(feature = "portal")]
    Serve {
        /// 门户的文件夹
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// 监听地址；端口 0 由系统选择
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
        listen: std::net::SocketAddr,
        #[command(flatten)]
        clock: ClockArgs,
    },
}

/// For demonstrations and tests: a portal whose clock is ahead of the machine's or behind it.
#[cfg(feature = "portal")]
#[derive(Debug, Args)]
pub struct ClockArgs {
    /// 门户时间比本机快多少秒（可为负），用于演示和测试
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true, hide = true)]
    pub clock_shift: i64,
}

#[derive(Debug, Subcommand)]
pub enum Operator {
    /// 登录
    Login {
        #[arg(long, default_value = "admin")]
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// 等待处理的订单
    Queue(OrderSearch),
    /// 一个订单，包括转账记录
    Show { order: String },
    /// 审核通过
    Approve { order: String },
    /// 审核拒绝
    Reject {
        order: String,
        #[arg(long)]
        reason: String,
    },
    /// 其他处理：接管、报失补办、退款等
    Cause {
        order: String,
        /// 哪一种：cancel, take_over, token_lost, personalized, personalization_failed, delivered, shipment_lost,
        /// request_refund, refund_sent
        event: String,
        #[arg(long)]
        reason: String,
    },
    /// USBKEY 已丢失或被清空：关闭这次尝试，吊销其证书，接管订单
    CloseAttempt {
        order: String,
        /// 第几次尝试
        attempt: u32,
        #[arg(long)]
        reason: String,
    },
    /// 登记一笔到账的转账
    RecordTransfer {
        order: String,
        /// 银行流水号
        #[arg(long)]
        reference: String,
        /// 金额（分）；不给时为订单金额
        #[arg(long, value_name = "FEN")]
        amount: Option<i64>,
    },
    /// 吊销证书
    Revoke {
        serial: String,
        #[arg(long)]
        reason: String,
    },
    /// 制证：给空白的 USBKEY 换管理口令、生成密钥、写入第一张证书；中断后可再运行
    Personalize(Personalize),
    /// 已发送的短信（内置的短信发件箱）
    Outbox {
        #[arg(long)]
        phone: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// 用户发来的 USBKEY 报告：没有配置认得的种类
    DriverReports {
        /// 报告号；给出时连同配置草稿显示这一份
        number: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnlockMethodArg {
    /// 管理口令由门户保管，解锁时加密下发
    SoPin,
    /// USBKEY 发出质询，门户应答
    ChallengeResponse,
}

#[derive(Debug, Args)]
pub struct Personalize {
    /// 尾号、序列号或完整编号；只插了一支时不用给
    #[arg(long)]
    pub token: Option<String>,
    /// 持有人种类
    #[arg(long, value_enum, default_value_t = HolderKind::Enterprise)]
    pub kind: HolderKind,
    /// 企业名称或姓名
    #[arg(long)]
    pub name: String,
    /// 统一社会信用代码
    #[arg(long)]
    pub uscc: Option<String>,
    /// 身份证号
    #[arg(long)]
    pub id_number: Option<String>,
    /// 法定代表人姓名
    #[arg(long)]
    pub person: Option<String>,
    /// 绑定的手机号
    #[arg(long)]
    pub phone: String,
    /// 产品代码
    #[arg(long, default_value = "sm2-enterprise")]
    pub product: String,
    /// 年限
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub years: u8,
    /// 解锁方式；不给时优先用质询应答
    #[arg(long, value_enum)]
    pub method: Option<UnlockMethodArg>,
    #[command(flatten)]
    pub pin: PinArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HolderKind {
    Enterprise,
    LegalRepresentative,
    Personal,
}

#[derive(Debug, Subcommand)]
pub enum Driver {
    /// 支持的 USBKEY 和本机的驱动
    List,
    /// 检查驱动配置文件；不给文件时检查全部并试着启动每个驱动
    Check { files: Vec<PathBuf> },
    /// 插着的 USBKEY 缺少哪种驱动，从哪里得到
    Missing {
        /// 写成 UTF-16LE 文件，每种一行；给安装程序读
        #[arg(long, value_name = "FILE")]
        utf16: Option<PathBuf>,
    },
    /// 启动本机的每个驱动，问它和插入的 USBKEY 支持什么
    Probe {
        /// 连同这份配置草稿一起试
        #[arg(long = "try", value_name = "FILE")]
        draft: Option<PathBuf>,
    },
    /// 说明一张卡为什么被当作某种 USBKEY；没有配置认得它时给出报告
    Explain {
        /// 读卡器名称的一部分，或十六进制的 ATR；不给时说明每一张卡
        what: Option<String>,
        /// 连同这份配置草稿一起试
        #[arg(long = "try", value_name = "FILE")]
        draft: Option<PathBuf>,
        /// 把没有配置认得的 USBKEY 的配置草稿存入文件
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
        /// 把没有配置认得的 USBKEY 的报告发给门户，得到报告号；发送的内容先全部显示，不含序列号、证书和个人信息
        #[arg(long)]
        send: bool,
    },
}
